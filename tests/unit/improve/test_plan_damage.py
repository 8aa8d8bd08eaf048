"""Damaged plans: each is refused with the cell, or read as what it says; none silently otherwise.

A generator damages a good plan in one of its kinds at a place drawn at random; the same seed
always draws the same plans.
"""

import random
import unicodedata
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

import sipas_analysis as sipas
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import FileError, PlanError, SeveralError
from sipas_analysis.improve.actions import read_library
from sipas_analysis.improve.plan import Plan
from sipas_analysis.improve.plan_sheet import FILE_COLUMNS, name_column
from sipas_analysis.measure.scores import score_everyone
from sipas_analysis.reports.plan_workbook import write_plan
from sipas_analysis.sheets.reader import name_column_letter

pytestmark = pytest.mark.slow

DEMO = Path(__file__).parents[3] / "data/an-giang-2020"
N_LINES = 14
NAMES = [*FILE_COLUMNS]


@dataclass
class Damaged:
    """A plan as rows of cells, its right reading, and where it must be refused.

    ``cells`` are the places (row, name of the column) that a refusal must name; a row of 0 is the
    file as a whole. A plan without such places must be read as ``lines``.
    """

    rows: list[list[object]]
    header: int  # position of the header among the rows
    lines: pd.DataFrame
    rng: random.Random
    cells: list[tuple[int, str]] = field(default_factory=list)
    as_csv: bool = False
    dress: list[Callable[[Worksheet], None]] = field(default_factory=list)
    spoil: Callable[[bytes], bytes] = bytes
    notices: str = ""

    def draw(self) -> int:
        """Return the position of a line that the survey measures and that is not dropped."""
        body = range(self.header + 1, len(self.rows))
        open_lines = [at for at in body if self.get(at, "status") != "Không thực hiện"]
        return self.rng.choice([at for at in open_lines if self.get(at, "baseline") is not None])

    def put(self, name: str, value: object, at: int | None = None, *, is_wrong: bool = True) -> int:
        """Write a cell of a line and return its position; where ``is_wrong`` it must be refused."""
        at = self.draw() if at is None else at
        self.rows[at][NAMES.index(name)] = value
        if is_wrong:
            self.cells.append((at + 1, name))
        return at

    def expect(self, at: int, name: str, value: object) -> None:
        """Note what a cell must be read as."""
        self.lines.loc[at - self.header - 1, name] = value

    def get(self, at: int, name: str) -> object:
        """Return a cell."""
        return self.rows[at][NAMES.index(name)]

    def column(self, name: str) -> int:
        """Return the number of a column in a spreadsheet."""
        return NAMES.index(name) + 1


@cache
def read_demo() -> tuple[Survey, pd.DataFrame, Plan]:
    """Return the survey, its figures, and some lines of its plan."""
    survey = sipas.read_survey(sipas.read_wave(DEMO))
    scores = score_everyone(survey)
    frame = sipas.read_plan(DEMO / "plan.xlsx", survey, scores=scores).frame
    return survey, scores, Plan(frame.head(N_LINES))


@pytest.fixture(scope="module")
def workbook(tmp_path_factory) -> tuple[list[list[object]], int]:
    """Return the rows of the plan as the program writes them, and the position of the header."""
    survey, _, plan = read_demo()
    path, _ = write_plan(plan, survey, tmp_path_factory.mktemp("plan"), "vi")
    sheet = load_workbook(path).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    header = next(at for at, row in enumerate(rows) if row[0] == "Mã dòng")
    return rows[: header + 1 + len(plan.frame)], header


def write_damaged(damaged: Damaged, folder: Path) -> Path:
    """Write a plan as a workbook, or as text."""
    if damaged.as_csv:
        rows = damaged.rows[damaged.header :]
        cells = [[*map(write_text, row)] for row in rows]
        path = folder / "plan.csv"
        pd.DataFrame(cells[1:], columns=cells[0]).to_csv(path, index=False)
    else:
        path, book = folder / "plan.xlsx", Workbook()
        sheet = book.active
        for row in damaged.rows:
            sheet.append(row)
        for dress in damaged.dress:
            dress(sheet)
        book.save(path)
    path.write_bytes(damaged.spoil(path.read_bytes()))
    return path


def write_text(cell: object) -> str:
    """Return a cell as text."""
    day = cell.date().isoformat() if isinstance(cell, datetime) else cell
    return "" if day is None else str(day)


# ── kinds of damage: refused with the cell


def wrong(name: str, *values: object) -> Callable[[Damaged], None]:
    """Return a damage that writes one of some wrong values into a column."""

    def damage(damaged: Damaged) -> None:
        damaged.put(name, damaged.rng.choice(values))

    return damage


def lower_target(damaged: Damaged) -> None:
    at = damaged.draw()
    baseline = damaged.get(at, "baseline")
    damaged.put("target", round(baseline - damaged.rng.choice([0.02, 1, 20]), 2), at)


def move_figure(damaged: Damaged) -> None:
    name = damaged.rng.choice(["baseline", "low", "high", "n", "detectable"])
    at = damaged.draw()
    damaged.put(name, damaged.get(at, name) + damaged.rng.choice([-1, 2]), at)


def swap_unit(damaged: Damaged) -> None:
    at, units = damaged.draw(), read_demo()[0].units["code"]
    others = [code for code in units if code != damaged.get(at, "unit")]
    damaged.put("unit", damaged.rng.choice(others), at, is_wrong=False)
    damaged.cells.append((at + 1, "unit_name"))


def swap_item(damaged: Damaged) -> None:
    at, pack = damaged.draw(), read_demo()[0].instrument
    others = [code for code in pack.items if code != damaged.get(at, "item")]
    damaged.put("item", damaged.rng.choice(others), at, is_wrong=False)
    damaged.cells.append((at + 1, "item_name"))


def repeat_line(damaged: Damaged) -> None:
    at = damaged.draw()
    damaged.rows.append([*damaged.rows[at]])
    damaged.cells += [(at + 1, "id"), (len(damaged.rows), "id")]


def repeat_id(damaged: Damaged) -> None:
    first, second = damaged.rng.sample(range(damaged.header + 1, len(damaged.rows)), 2)
    damaged.put("id", str(damaged.get(first, "id")).upper(), second)
    damaged.cells.append((first + 1, "id"))


def change_wave(damaged: Damaged) -> None:
    """All lines, or one of them."""
    body = range(damaged.header + 1, len(damaged.rows))
    for at in damaged.rng.choice([[damaged.header + 5], [*body]]):
        damaged.put("wave", damaged.rng.choice(["an-giang-2019", "an-giang-2021"]), at)


def drop_wave(damaged: Damaged) -> None:
    for at in range(damaged.header + 1, len(damaged.rows)):
        damaged.put("wave", None, at)


def merge_cells(damaged: Damaged) -> None:
    at, column = damaged.draw(), damaged.column(damaged.rng.choice(["unit", "owner", "due", "id"]))
    at = min(at, len(damaged.rows) - 2)
    area = {"start_row": at + 1, "end_row": at + 2, "start_column": column, "end_column": column}
    damaged.dress.append(lambda sheet: sheet.merge_cells(**area))
    damaged.cells.append((at + 1, NAMES[column - 1]))


def write_formula(damaged: Damaged) -> None:
    """A formula that no program has calculated."""
    at, name = damaged.draw(), damaged.rng.choice(["target", "owner", "due", "id", "task"])
    damaged.put(name, damaged.rng.choice(["=K5+5", "=HYPERLINK(A1)", "=1/0", "=TODAY()"]), at)


def write_error(damaged: Damaged) -> None:
    name = damaged.rng.choice(["target", "owner", "note", "baseline"])
    at = damaged.put(name, damaged.rng.choice(["#REF!", "#N/A", "#DIV/0!"]))

    def make_error(sheet: Worksheet) -> None:
        sheet.cell(at + 1, damaged.column(name)).data_type = "e"

    damaged.dress.append(make_error)


def rename_column(damaged: Damaged) -> None:
    name = damaged.rng.choice(["due", "target", "status", "baseline", "unit_name"])
    header = str(damaged.rows[damaged.header][NAMES.index(name)])
    damaged.put(name, f"{header} 2022", damaged.header)


def drop_column(damaged: Damaged) -> None:
    name = damaged.rng.choice([name for name, is_needed in FILE_COLUMNS.items() if is_needed])
    for row in damaged.rows[damaged.header :]:
        row[NAMES.index(name)] = None
    damaged.cells.append((damaged.header + 1, ""))


def repeat_column(damaged: Damaged) -> None:
    name = damaged.rng.choice(["due", "target", "unit"])
    for row in damaged.rows[damaged.header :]:
        row.append(row[NAMES.index(name)])
    damaged.cells.append((damaged.header + 1, name))


def sort_some_columns(damaged: Damaged) -> None:
    """Unit and id turned round by two lines; what stands beside them is not."""
    first, second = damaged.header + 6, damaged.header + 12
    for name in ("id", "unit"):
        cells = damaged.get(first, name), damaged.get(second, name)
        damaged.put(name, cells[1], first, is_wrong=False)
        damaged.put(name, cells[0], second, is_wrong=False)
    damaged.cells += [(first + 1, "unit_name"), (second + 1, "unit_name")]


def drop_header(damaged: Damaged) -> None:
    damaged.rows[damaged.header] = [None] * len(NAMES)
    damaged.cells.append((0, ""))


def drop_lines(damaged: Damaged) -> None:
    del damaged.rows[damaged.header + 1 :]
    damaged.cells.append((damaged.header + 1, "id"))


def repeat_sheet(damaged: Damaged) -> None:
    damaged.dress.append(lambda sheet: sheet.parent.copy_worksheet(sheet))
    damaged.cells.append((0, ""))


def cut_file(damaged: Damaged) -> None:
    share = damaged.rng.uniform(0.1, 0.95)
    damaged.spoil = lambda content: content[: int(share * len(content))]
    damaged.cells.append((0, ""))


def lock_file(damaged: Damaged) -> None:
    start = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    damaged.spoil = lambda _: start
    damaged.cells.append((0, ""))


def write_old_code(damaged: Damaged) -> None:
    damaged.as_csv = True
    damaged.spoil = lambda content: content.decode("utf-8").encode("cp1258", "replace")
    damaged.cells.append((0, ""))


REFUSED: dict[str, Callable[[Damaged], None]] = {
    "words for a number": wrong("target", "tăng mạnh", "85-90", "≥ 85", "1.234", "85,5,5"),
    "a share": wrong("target", 0.85, "0,9", 1),
    "above 100": wrong("target", 101, "850", 1e9),
    "no target": wrong("target", None, " "),
    "negative": wrong("target", -5, "-85"),
    "words for forms": wrong("n_needed", "nhiều", "survey", "1.000"),
    "words for a figure": wrong("baseline", "8_1.36", "81.36 điểm", "8e1", "nan"),
    "no day": wrong("due", "Quý II/2022", "31/02/2022", "06/2022", "31/03/22", "12/31/2022", True),
    "early": wrong("due", datetime(2019, 1, 5), "05/01/2019", "2020-01-31", 43470),
    "late": wrong("due", datetime(2203, 1, 5), "05/01/2203"),
    "status": wrong("status", "xong rồi", "ok", 1, None),
    "unit": wrong("unit", "so-xyz", "Sở Y tế và Xây dựng", None, 7),
    "item": wrong("item", "Z9", "a 4", "tiêu chí 4", None),
    "factor": wrong("factor", "Con người", "A4"),
    "measure": wrong("measure", "publication-2", "Tập huấn thêm"),
    "indicator": wrong("indicator", "hài lòng?", "GRDP", None),
    "id": wrong("id", None, "P/01", "=P01", "Dòng số 1", "x" * 81),
    "task": wrong("task", None, "rất dài " * 90),
    "target too low": lower_target,
    "figure": move_figure,
    "another unit": swap_unit,
    "another item": swap_item,
    "line twice": repeat_line,
    "id twice": repeat_id,
    "wave": change_wave,
    "no wave": drop_wave,
    "merged": merge_cells,
    "formula": write_formula,
    "error": write_error,
    "renamed": rename_column,
    "no column": drop_column,
    "column twice": repeat_column,
    "sorted apart": sort_some_columns,
    "no header": drop_header,
    "no lines": drop_lines,
    "two plans": repeat_sheet,
    "cut": cut_file,
    "password": lock_file,
    "old code": write_old_code,
}


# ── kinds of change: read right


def shuffle_columns(damaged: Damaged) -> None:
    order = damaged.rng.sample(range(len(NAMES)), len(NAMES))
    damaged.rows[damaged.header :] = [
        [row[at] for at in order] for row in damaged.rows[damaged.header :]
    ]


def shuffle_rows(damaged: Damaged) -> None:
    """The order of units returns; within a unit, the order of the file stays."""
    body = damaged.rows[damaged.header + 1 :]
    by_unit = {str(row[NAMES.index("unit")]): row for row in body}
    damaged.rows[damaged.header + 1 :] = sorted(
        body, key=lambda row: [*by_unit].index(str(row[NAMES.index("unit")])), reverse=True
    )


def spell_headers(damaged: Damaged) -> None:
    spell = damaged.rng.choice(
        [
            lambda name: name,
            lambda name: name_column(name)["en"],
            lambda name: name_column(name)["vi"].upper(),
            lambda name: unicodedata.normalize("NFD", name_column(name)["vi"]),
            lambda name: f"\u00a0{name_column(name)['vi']}  ".replace(" ", "\n", 1),
        ]
    )
    damaged.rows[damaged.header] = [spell(name) for name in NAMES]


def add_columns(damaged: Damaged) -> None:
    at = damaged.rng.randrange(len(NAMES))
    for row in damaged.rows[damaged.header + 1 :]:
        row.insert(at, damaged.rng.choice(["đã họp", 5, None]))
    damaged.rows[damaged.header].insert(at, "Ý kiến của phòng")
    damaged.notices = "Ý kiến của phòng"


def write_beside(damaged: Damaged) -> None:
    """A remark to the right of the table, in a column without a header."""
    damaged.rows[damaged.draw()].append("đã họp")
    damaged.notices = f"“{name_column_letter(len(NAMES))}”"


def sort_measures(damaged: Damaged) -> None:
    """Some open columns, and the measure of a line is that of another."""
    at, measures = damaged.draw(), read_library().measures
    while not (damaged.get(at, "measure") and damaged.get(at, "item")):
        at = damaged.draw()
    item = damaged.get(at, "item")
    others = [
        name
        for name, measure in measures.items()
        if item not in measure.items.get("qd-2640-2017", ())
    ]
    measure = damaged.rng.choice(others)
    damaged.put("measure", measure, at, is_wrong=False)
    damaged.expect(at, "measure", measure)
    damaged.notices = "perhaps only some columns were sorted"


def repeat_header(damaged: Damaged) -> None:
    """As a spreadsheet that was printed page by page has it."""
    at = damaged.rng.randrange(damaged.header + 1, len(damaged.rows))
    damaged.rows.insert(at, [*damaged.rows[damaged.header]])


def add_blank_rows(damaged: Damaged) -> None:
    """Also below the table."""
    for _ in range(damaged.rng.randrange(1, 5)):
        at = damaged.rng.randrange(damaged.header + 1, len(damaged.rows) + 1)
        damaged.rows.insert(at, [damaged.rng.choice([None, " ", "\u00a0"])] * len(NAMES))


def dress_sheet(damaged: Damaged) -> None:
    """Comments, colours, filters, hidden rows and columns, a protected sheet, frozen rows."""

    def dress(sheet: Worksheet) -> None:
        cell = sheet.cell(damaged.header + 3, 2)
        cell.comment = Comment("=1+1 xem lại", "Lan")
        cell.fill = PatternFill("solid", fgColor="FF0000")
        sheet.auto_filter.ref = f"A{damaged.header + 1}:V{len(damaged.rows)}"
        sheet.row_dimensions[damaged.header + 4].hidden = True
        sheet.column_dimensions["E"].hidden = True
        sheet.protection.enable()

    damaged.dress.append(dress)


def spell_target(damaged: Damaged) -> None:
    value = damaged.rng.choice(["99,5", "99.5", "99,5%", " 99,5 ", "99,50", 99.5, "99,5\u00a0%"])
    at = damaged.put("target", value, is_wrong=False)
    damaged.expect(at, "target", 99.5)
    line = damaged.lines.loc[at - damaged.header - 1]
    is_visible = 99.5 - line["baseline"] >= line["detectable"]
    needed = np.ceil(line["n"] * (line["detectable"] / (99.5 - line["baseline"])) ** 2)
    damaged.expect(at, "n_needed", np.nan if is_visible else needed)
    limit = "target_inside_error" if line["baseline"] + line["detectable"] <= 100 else "not_visible"
    first = [word for word in line["note"].split() if word == "undecided"]
    damaged.expect(at, "note", " ".join([*first, *([] if is_visible else [limit])]))


def spell_figure(damaged: Damaged) -> None:
    """A computed figure as text, in the spellings of a target."""
    at = damaged.draw()
    name = damaged.rng.choice(["baseline", "low", "high", "detectable"])
    text = f"{damaged.get(at, name):.2f}"
    spellings = [f"{text}%", text.replace(".", ","), f"{text.replace('.', ',')} %", f" {text}"]
    damaged.put(name, damaged.rng.choice(spellings), at, is_wrong=False)


def spell_day(damaged: Damaged) -> None:
    values = ["31/03/2022", "31-3-2022", "31.03.2022", "2022-03-31", datetime(2022, 3, 31), 44651]
    values += ["ngày 31 tháng 3 năm 2022", "31/3/2022", date(2022, 3, 31), "31/03/2022 08:00"]
    at = damaged.put("due", damaged.rng.choice(values), is_wrong=False)
    damaged.expect(at, "due", date(2022, 3, 31))


def spell_status(damaged: Damaged) -> None:
    value = damaged.rng.choice(["Đang thực hiện", "ĐANG  THỰC HIỆN", "in_progress", "In progress"])
    at = damaged.put("status", value, is_wrong=False)
    damaged.expect(at, "status", "in_progress")


def spell_unit(damaged: Damaged) -> None:
    """A name for a code, capitals, composed in parts, with hard spaces."""
    at = damaged.draw()
    name = str(damaged.get(at, "unit_name"))
    spellings = [name, name.upper(), unicodedata.normalize("NFD", name), f" {name}\u00a0"]
    damaged.put("unit", damaged.rng.choice(spellings), at, is_wrong=False)


def spell_item(damaged: Damaged) -> None:
    at = damaged.draw()
    code, words = str(damaged.get(at, "item")), str(damaged.get(at, "item_name"))
    value = damaged.rng.choice([code.lower(), words, unicodedata.normalize("NFD", words)])
    damaged.put("item", value, at, is_wrong=False)


def write_owner(damaged: Damaged) -> None:
    text, public = damaged.rng.choice(
        [
            ("Chánh Văn phòng, 0912 345 678", "Chánh Văn phòng, ***"),
            ("Trưởng phòng (lan@angiang.gov.vn)", "Trưởng phòng ***"),
        ]
    )
    at = damaged.put("owner", text, is_wrong=False)
    damaged.expect(at, "owner", public)
    damaged.notices = "starred"


def write_risky(damaged: Damaged) -> None:
    """Text that looks like a formula or a page stays text, in a workbook and in a text file."""
    text = damaged.rng.choice(["@SUM(A1)", "<b>họp</b>", "../../etc", "-2+3", "+84 tuyến huyện"])
    at = damaged.put("task", text, is_wrong=False)
    damaged.expect(at, "task", text)


def write_remark(damaged: Damaged) -> None:
    """What officers write is kept as it is, also beside the notes of the program."""
    at, text = damaged.draw(), "not_visible do ít phiếu; đã họp ngày 5"
    before = damaged.lines.loc[at - damaged.header - 1, "remark"]
    if damaged.rng.random() < 0.5:
        damaged.put("remark", text, at, is_wrong=False)
        return damaged.expect(at, "remark", text)
    words = str(damaged.get(at, "note") or "")
    damaged.put("note", "; ".join(filter(None, [words, text])), at, is_wrong=False)
    damaged.expect(at, "remark", "; ".join(filter(None, [text, before])))


def drop_figures(damaged: Damaged) -> None:
    """Whole columns, or cells: the program fills them in."""
    names = damaged.rng.sample(
        [name for name, is_needed in FILE_COLUMNS.items() if not is_needed], 4
    )
    for row in damaged.rows[damaged.header + damaged.rng.choice([0, 1, 4]) :]:
        for name in names:
            row[NAMES.index(name)] = None


def move_sheet(damaged: Damaged) -> None:
    def add_sheets(sheet: Worksheet) -> None:
        other = sheet.parent.create_sheet("Tổng hợp", 0)
        other.append(["Mã dòng", "Đơn vị", "Ý kiến"])
        other.append(["P01", "", "đồng ý"])

    damaged.dress.append(add_sheets)


def number_columns(damaged: Damaged) -> None:
    damaged.rows.insert(damaged.header + 1, [f"({at + 1})" for at in range(len(NAMES))])


def write_as_text(damaged: Damaged) -> None:
    """A text file with semicolons, of another code, with or without a mark."""
    damaged.as_csv = True
    code = damaged.rng.choice(["utf-8", "utf-8-sig", "utf-16"])
    damaged.spoil = lambda content: content.decode("utf-8").encode(code)


def drop_titles(damaged: Damaged) -> None:
    del damaged.rows[: damaged.header]
    damaged.header = 0


READ: dict[str, Callable[[Damaged], None]] = {
    "columns shuffled": shuffle_columns,
    "rows sorted": shuffle_rows,
    "headers": spell_headers,
    "more columns": add_columns,
    "beside the table": write_beside,
    "header again": repeat_header,
    "measures sorted": sort_measures,
    "blank rows": add_blank_rows,
    "dressed": dress_sheet,
    "decimals": spell_target,
    "figures": spell_figure,
    "days": spell_day,
    "status": spell_status,
    "unit by name": spell_unit,
    "item by words": spell_item,
    "telephone": write_owner,
    "risky text": write_risky,
    "remark": write_remark,
    "no figures": drop_figures,
    "other sheet first": move_sheet,
    "numbers of columns": number_columns,
    "text file": write_as_text,
    "no titles": drop_titles,
}
KINDS = [*REFUSED.values(), *READ.values()]


def check(number: int, workbook: tuple[list[list[object]], int], folder: Path) -> None:
    """Damage a plan, and hold that it is refused with the cells, or read right."""
    survey, scores, plan = read_demo()
    rows, header = deepcopy(workbook)
    damaged = Damaged(rows, header, plan.frame.copy(), random.Random(number))
    KINDS[number % len(KINDS)](damaged)
    path = write_damaged(damaged, folder)
    if not damaged.cells:
        got = sipas.read_plan(path, survey, scores=scores)
        pd.testing.assert_frame_equal(
            got.frame.sort_values("id", ignore_index=True),
            damaged.lines.sort_values("id", ignore_index=True),
        )
        assert damaged.notices in " ".join(got.sentences())
        return
    with pytest.raises((PlanError, FileError, SeveralError)) as caught:
        sipas.read_plan(path, survey, scores=scores)
    error = caught.value
    parts = error.errors if isinstance(error, SeveralError) else (error,)
    assert all(isinstance(part, PlanError | FileError) for part in parts)
    places = {(place.row or 0, place.letter) for place in error.places}
    wanted = {
        (row, name_column_letter(NAMES.index(name)) if name else "") for row, name in damaged.cells
    }
    if not isinstance(error, FileError):
        assert wanted <= places, (error.text("vi"), wanted, places)
    assert path.name in error.text("vi")
    assert {row for row, _ in places} <= {row for row, _ in wanted} | {0}, error.text("vi")


def test_damage_is_refused_with_the_cell_or_read_right(workbook, tmp_path):
    """One plan of every fifth kind."""
    assert len(REFUSED) >= 25
    for number in range(0, len(KINDS), 5):
        check(number, workbook, tmp_path)


def test_none_of_300_damaged_plans_is_read_silently(workbook, tmp_path):
    """Every kind at several places, with several values."""
    for number in range(1, 301):
        check(number, workbook, tmp_path)
