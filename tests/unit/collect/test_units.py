"""The list of units: what a unit may be called, and what a code must be."""

import pytest

from sipas_analysis.collect.units import index_units, read_units
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ConfigError, FileError, UnitError

HEAD = "code,name_vi,name_en,group,parent,valid_from,valid_to,clients,aliases\n"


@pytest.fixture
def read(make_wave):
    """Read a list of units under the usual header."""

    def from_text(rows, head=HEAD, **facts):
        return read_units(read_wave(make_wave(units=head + rows, **facts)))

    return from_text


def refusal(read, rows, **given):
    with pytest.raises(UnitError) as caught:
        read(rows, **given)
    return caught.value


def test_units_are_typed_and_keep_the_order_of_the_file(read):
    """Dates are dates, clients are numbers, empty is missing; the index is the file's row."""
    units = read("so-b,Sở B,,departments,,2024-01-31,,1200,\nso-a,Sở A,,departments,so-b,,,,\n")
    assert units["code"].tolist() == ["so-b", "so-a"]
    assert units["valid_from"].iloc[0].isoformat() == "2024-01-31"
    assert units["clients"].iloc[0] == 1200
    assert units["clients"].isna().tolist() == [False, True]
    assert units.index.tolist() == [2, 3]


def test_only_code_name_and_group_are_needed(read):
    """The shortest list one can write."""
    units = read("so-a,Sở A,departments\n", head="code,name_vi,group\n")
    assert units.loc[2, ["name_en", "parent", "aliases"]].tolist() == ["", "", ""]


def test_a_name_may_be_anything(read):
    """A name is only printed; it can neither run nor lead out of the folder."""
    names = ["<script>alert(1)</script>", "=cmd|'/c calc'!A1", "../../x"]
    rows = "".join(f'u-{at},"{name}",,departments,,,,,\n' for at, name in enumerate(names))
    assert read(rows)["name_vi"].tolist() == names


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    "code", ["../x", "Sở A", "so a", "-a", "<b>", "=1", ".", "a/b", "a" * 64, ""]
)
def test_a_code_must_be_able_to_name_a_file(read, code):
    """Codes name folders and figures, so nothing else is taken."""
    error = refusal(read, f'"{code}",Sở A,,departments,,,,,\n')
    assert [(place.file, place.row, place.column, place.value) for place in error.places] == [
        ("units.csv", 2, "code", code)
    ]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("so-b,,,departments,,,,,", "name_vi", ""),
        ("so-b,Sở B,,departmnts,,,,,", "group", "departmnts"),
        ("so-b,Sở B,,departments,so-z,,,,", "parent", "so-z"),
        ("so-b,Sở B,,departments,,1/2/2024,,,", "valid_from", "1/2/2024"),
        ("so-b,Sở B,,departments,,20240102,,,", "valid_from", "20240102"),
        ("so-b,Sở B,,departments,,2024-W01-1,,,", "valid_from", "2024-W01-1"),
        ("so-b,Sở B,,departments,,,٢٠٢٤-٠١-٠٢,,", "valid_to", "٢٠٢٤-٠١-٠٢"),
        ("so-b,Sở B,,departments,,,2024-02-30,,", "valid_to", "2024-02-30"),
        ("so-b,Sở B,,departments,,,,many,", "clients", "many"),
    ],
)
def test_a_cell_that_cannot_stand_is_named(read, row, column, value):
    """Row, column and value, as the spreadsheet shows them."""
    error = refusal(read, f"so-a,Sở A,,departments,,,,,\n{row}\n")
    assert [(place.row, place.column, place.value) for place in error.places] == [
        (3, column, value)
    ]


def test_every_wrong_cell_is_listed_at_once(read):
    """The list is checked whole, and a repeated code is shown in both rows."""
    error = refusal(read, "so-a,Sở A,,x,,,,,\nso-a,,,departments,,,,,\n")
    assert [(place.row, place.column) for place in error.places] == [
        (2, "code"),
        (2, "group"),
        (3, "code"),
        (3, "name_vi"),
    ]


def test_the_groups_that_may_be_written_are_named(read):
    """The remedy stands in the sentence."""
    said = str(refusal(read, "so-a,Sở A,,offices,,,,,\n"))
    assert "departments, districts, communes, vertical-agencies" in said


def test_a_wave_may_have_groups_of_its_own(read):
    """Hospitals are ranked apart once the wave names them."""
    groups = {"hospitals": {"vi": "Bệnh viện", "en": "Hospitals"}}
    assert read("bv-1,Bệnh viện 1,,hospitals,,,,,\n", groups=groups)["group"].item() == "hospitals"


def test_a_missing_column_is_named(read):
    """A list without groups cannot be ranked."""
    error = refusal(read, "so-a,Sở A\n", head="code,name_vi\n")
    assert "missing: group (units.csv, row 1)" in str(error)


def test_a_missing_list_is_named(make_wave):
    """The file that ``units:`` names must be there."""
    path = make_wave()
    path.write_text(path.read_text("utf-8") + "units: list.csv\n", "utf-8")
    with pytest.raises(FileError, match=r"list\.csv must exist"):
        read_units(read_wave(path))


def test_a_unit_is_known_by_code_name_and_alias(read):
    """Case and spaces do not matter."""
    index = index_units(read("so-a,Sở  A,Department A,departments,,,,,SA; Sở Á\n"))
    assert {index[it] for it in ("so-a", "sở a", "department a", "sa", "sở á")} == {"so-a"}


def test_one_way_of_writing_cannot_mean_two_units(read):
    """Both would receive the other's forms."""
    units = read("so-a,Sở A,,departments,,,,,X\nso-b,Sở B,,departments,,,,,x\n")
    with pytest.raises(UnitError, match="One way of writing must mean one unit") as caught:
        index_units(units)
    assert [(place.row, place.value) for place in caught.value.places] == [(3, "x")]


@pytest.mark.parametrize("head", ["code,name_vi,group,alias\n", "code,name_vi,group,group\n"])
def test_a_misspelt_or_doubled_heading_is_refused(read, head):
    """An alias under a misspelt heading would be lost without a word."""
    error = refusal(read, "so-a,Sở A,departments,SA\n", head=head)
    assert error.message_id == "unit_headers"
    assert "aliases" in str(error)


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("code", '"so-a\n"'),
        ("code", "so-á"),
        ("name_vi", "Sở \x1b[2JX"),
        ("name_vi", "Sở\x0bA"),
        ("name_en", "A\x07"),
        ("name_en", "A\x9b31m"),
        ("name_vi", "A\uffff"),
        ("clients", "١٢"),
    ],
)
def test_a_name_that_cannot_be_printed_is_refused(refused, column, text):
    """A code names a folder, a name stands in pictures: no new line, no escape (hostile/17, 30)."""
    cells = {
        "code": "so-a",
        "name_vi": "Sở A",
        "name_en": "A",
        "group": "departments",
        "clients": "",
    }
    cells[column] = text
    units = ",".join(cells) + "\n" + ",".join(cells.values()) + "\n"
    error = refused("A1,A2,D1\n5,4,3\n", UnitError, units=units, columns={})
    assert error.message_id == "unit_list"
    assert column in {place.column for place in error.places}


@pytest.mark.parametrize(
    "facts",
    [
        {"title": {"vi": "Đợt \x1b[31m"}},
        {"publisher": {"vi": "Sở", "en": "A\x08"}},
        {"groups": {"g": {"vi": "Nhóm \x0b"}}},
    ],
)
def test_a_name_of_the_wave_that_cannot_be_printed_is_refused(refused, facts):
    """The key is named; the text is not repeated."""
    error = refused("unit,A1,A2,D1\nso-a,5,4,3\n", ConfigError, **facts)
    assert (error.message_id, error.exit_code) == ("wave_text", 15)


def test_a_name_may_hold_any_letter(read_answers):
    """Marks, dashes, quotes and a new line within a name are printed as they stand."""
    units = 'code,name_vi,name_en,group\nso-a,"Sở “Y–tế” Ủy (Ḥ)",A & B,departments\n'
    assert read_answers("A1,A2,D1\n5,4,3\n", units=units, columns={}).unit_names["so-a"]


@pytest.mark.parametrize("group", ["", "sở"])
def test_a_missing_group_is_all_that_is_said(refused, group):
    """Not what else a row must hold."""
    units = f"code,name_vi,group\nso-a,Sở A,departments\nso-b,Sở B,{group}\n"
    error = refused("unit,A1,A2,D1\nso-a,5,4,3\n", UnitError, units=units)
    assert error.message_id == "unit_group"
    assert [place.row for place in error.places] == [3]
    assert "code" not in error.text("en").partition("units.csv")[0]
    assert "Sở, ban, ngành" in error.text("vi")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("code,name_vi,group,parent,clients", "so-b,Sở B,Sở, ban, ngành"),
        ("code,name_vi,group,parent,clients", "so-b,Sở B,Sở, ban, ngành,,"),
        ("code,name_vi,group", "so-b,Sở B,Sở, ban, ngành"),
        ("code,name_vi,group,valid_from", "so-b,Sở B,Huyện, thị xã, thành phố,"),
    ],
)
def test_a_group_with_commas_but_no_quotes_is_told_with_its_cure(refused, header, row):
    """Typed in Notepad: what the cells to the right seem to hold is not listed."""
    first = "so-a,Sở A,departments" + "," * (header.count(",") - 2)
    units = f"{header}\n{first}\n{row}\n"
    error = refused("unit,A1,A2,D1\nso-a,5,4,3\n", UnitError, units=units)
    assert error.message_id == "unit_commas"
    assert [place.row for place in error.places] == [3]
    assert "dấu nháy kép" in error.text("vi")
    assert "departments" in error.text("vi")
