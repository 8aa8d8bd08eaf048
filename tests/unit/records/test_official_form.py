"""Form II.06a of the office: what breaks its identities, and what differs from the dates (T4)."""

import pandas as pd
import pytest

from sipas_analysis.errors import RecordsError
from sipas_analysis.records.official_form import compare_with_count, read_official_form

HEADER = ["", "THỐNG KÊ HỒ SƠ", *[""] * 11]
NUMBERS = [
    *("(1)", "(2)", "(3)=(4)+(5)+(6)", "(4)", "(5)", "(6)", "(7)=(8)+(9)+(10)"),
    *("(8)", "(9)", "(10)", "(11)=(12)+(13)", "(12)", "(13)"),
]
LAND = ["1", "Đất đai", 100, 20, 70, 10, 90, 50, 30, 10, 10, 8, 2]
CIVIL = ["2", "Hộ tịch", "1.050", 50, 1000, "", "1.050", 50, 1000, "-", 0, 0, 0]
TOTAL = ["", "Tổng số", 1150, 70, 1070, 10, 1140, 100, 1030, 10, 10, 8, 2]
SIGNATURE = ["", "Người lập biểu", *[""] * 11]


def _write(folder, *rows):
    path = folder / "06a.csv"
    lines = [";".join(map(str, row)) for row in (HEADER, NUMBERS, *rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _change(row, **cells):
    return [cells.get(f"c{at + 1}", cell) for at, cell in enumerate(row)]


def test_a_form_that_adds_up_has_no_break(tmp_path):
    """Dots of thousands, blanks, dashes, the title and the signature do not disturb (rule T4)."""
    form = read_official_form(_write(tmp_path, LAND, CIVIL, TOTAL, SIGNATURE))
    assert form.breaks.empty
    assert form.table["field_name"].tolist() == ["Đất đai", "Hộ tịch", "Tổng số"]
    assert form.table["received"].tolist() == [100, 1050, 1150]
    assert form.table["is_leaf"].tolist() == [True, True, False]


def test_every_broken_identity_names_its_cell(tmp_path):
    """One more in column 3 breaks 3 = 4+5+6, 3 = 7+11 and the total; each cell is named."""
    wrong = _change(LAND, c3=101, c8=49, c13=3)
    breaks = read_official_form(_write(tmp_path, wrong, CIVIL, TOTAL)).breaks
    cells = [
        tuple(row) for row in breaks[["row", "column", "rule", "value", "expected"]].to_numpy()
    ]
    assert cells == [
        (3, "C", "3 = 4 + 5 + 6", 101, 100),
        (3, "C", "3 = 7 + 11", 101, 100),
        (3, "G", "7 = 8 + 9 + 10", 90, 89),
        (3, "K", "11 = 12 + 13", 10, 11),
        (5, "C", "Σ 3–4", 1150, 1151),
        (5, "H", "Σ 3–4", 100, 99),
        (5, "M", "Σ 3–4", 2, 3),
    ]
    assert set(breaks["file"]) == {"06a.csv"}


def test_groups_are_sums_of_their_fields_and_the_total_of_the_groups(tmp_path):
    """A total above I and II counts each field once; a group that is short is named."""
    first, second = ["I", "Sở", *LAND[2:]], ["II", "Huyện", *_change(CIVIL, c9=999)[2:]]
    form = read_official_form(_write(tmp_path, TOTAL, first, LAND, second, CIVIL))
    cells = form.breaks[["row", "column", "rule", "value", "expected"]].to_numpy().tolist()
    assert cells == [
        [3, "I", "Σ 4, 6", 1030, 1029],
        [6, "G", "7 = 8 + 9 + 10", 1050, 1049],
        [6, "I", "Σ 7", 999, 1000],
    ]
    assert form.table.loc[form.table["is_leaf"], "field_name"].tolist() == ["Đất đai", "Hộ tịch"]


def test_the_form_is_set_beside_the_dates(tmp_path):
    """Ten late files of the form are twelve by the clock; a field that one side lacks shows."""
    form = read_official_form(_write(tmp_path, LAND, CIVIL, TOTAL))
    counts = dict(zip(form.letters, LAND[2:], strict=True))
    counted = pd.DataFrame([{"field_name": " đất ĐAI", **counts, "late": 12, "on_time": 28}])
    table = compare_with_count(form, counted)
    land = table[table["field_name"] == "Đất đai"].set_index("name")
    assert land["difference"].to_dict() == {"on_time": 2, "late": -2}
    assert land.loc["late", ["row", "column", "form", "counted"]].tolist() == [3, "J", 10, 12]
    civil = table[table["field_name"] == "Hộ tịch"].set_index("name")["difference"]
    assert civil["received"] == 1050
    total = table[table["field_name"] == ""].set_index("name")
    assert total.loc["late", ["row", "difference"]].tolist() == [5, -2]


def test_what_is_no_form_is_refused(tmp_path):
    """The error names all cells that are no count; and says so where the numbers are missing."""
    path = _write(tmp_path, _change(LAND, c4="vài", c13="2,5"), TOTAL)
    with pytest.raises(RecordsError, match=r"D3.*M3") as caught:
        read_official_form(path)
    assert [place.letter for place in caught.value.places] == ["D", "M"]
    path = tmp_path / "c.csv"
    path.write_text("STT;Lĩnh vực;Tổng\n1;Đất đai;5\n", "utf-8")
    with pytest.raises(RecordsError, match=r"\(13\)"):
        read_official_form(path)
