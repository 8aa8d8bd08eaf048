"""Forms handed in twice: what is refused, what is dropped, and what is equal by nature."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import write_book
from sizes import sizes

from sipas_analysis.collect.duplicates import settle_copies
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ConfigError, FormError, SeveralError
from sipas_analysis.instrument.pack import read_instrument

ITEMS = [*read_instrument("qd-2640-2017").rated_codes][:22]
HEADER = ["Số", "unit", *ITEMS]
Row = Sequence[object]


def draw_forms(n: int, seed: int = 1, unit: str = "so-a", first: int = 1) -> list[list[object]]:
    """Draw forms of 22 answers around one mean per person, as people answer."""
    rng = random.Random(seed)
    forms: list[list[object]] = []
    for number in range(first, first + n):
        mean = rng.gauss(3.8, 0.8)
        answers = [min(5, max(1, round(rng.gauss(mean, 0.7)))) for _ in ITEMS]
        forms.append([number, unit, *answers])
    return forms


def write_csv(
    folder: Path, name: str, forms: Sequence[Row], header: Sequence[str] = HEADER
) -> None:
    """Write forms below a header."""
    lines = [",".join(map(str, row)) for row in (header, *forms)]
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture
def read_files(tmp_path: Path, read_answers: Callable[..., Survey]) -> Callable[..., Survey]:
    """Read the survey of several files of forms, given by name."""

    def read(files: dict[str, Sequence[Row]], header: Sequence[str] = HEADER, **facts: object):
        for name, forms in files.items():
            write_csv(tmp_path, name, forms, header)
        columns = {"unit": "unit", "ignore": ["Số"]} | facts.pop("columns", {})
        entries = [{"file": name} for name in files]
        wave = {"instrument": "qd-2640-2017", "responses": entries, "columns": columns}
        return read_answers(None, **(wave | facts))

    return read


def refuse(read: Callable[[], Survey]) -> FormError:
    """Return the refusal of copies."""
    with pytest.raises(FormError) as caught:
        read()
    assert caught.value.message_id == "copies"
    return caught.value


def test_a_file_saved_again_is_refused_with_both_places(read_files):
    """The numbering differs, so the bytes do; the thirty forms are the same."""
    forms = draw_forms(30)
    again = [[number + 500, *row] for number, *row in forms]
    error = refuse(lambda: read_files({"so-a.csv": forms, "so-a - Copy.csv": again}))
    assert error.fields["n"] == 30
    assert {(place.file, place.row) for place in error.places} == {
        (name, row) for name in ("so-a.csv", "so-a - Copy.csv") for row in range(2, 32)
    }
    for language in ("vi", "en"):
        assert 'duplicates: {drop: "so-a - Copy.csv"}' in error.text(language)
        assert "because: …" in error.text(language)


def test_forms_handed_in_again_with_other_days_are_refused(read_files):
    """The day of keying differs; that thirty people answer as thirty others did is no chance."""
    forms = draw_forms(30)
    files = {
        name: [[*row, f"{day + at % 9}/03/2024"] for at, row in enumerate(forms)]
        for name, day in (("a.csv", 13), ("b.csv", 20))
    }
    days = {"columns": {"date": "Ngày"}, "year": 2024}
    error = refuse(lambda: read_files(files, [*HEADER, "Ngày"], **days))
    assert error.fields["n"] == 30


def test_dropped_copies_are_in_the_ledger_and_counted_as_read(read_files):
    """Each dropped row names where the form counts."""
    forms = draw_forms(30)
    survey = read_files(
        {"first.csv": forms, "second.csv": forms[::-1]}, duplicates={"drop": ["second.csv"]}
    )
    assert (survey.n_read, len(survey.frame)) == (60, 30)
    assert set(survey.frame["file"]) == {"first.csv"}
    copies = survey.ledger[survey.ledger["reason"] == "copy"].set_index("row")
    assert list(copies.index) == list(range(2, 32))
    assert set(copies["file"]) == {"second.csv"}
    assert copies.loc[2, "found"] == "first.csv, 31"


def test_the_first_file_can_be_dropped_instead(read_files):
    """A second submission replaces the first: only what it does not repeat stays of the first."""
    forms = draw_forms(43)
    survey = read_files(
        {"first.csv": forms[:40], "second.csv": forms[4:]}, duplicates={"drop": ["first.csv"]}
    )
    assert survey.frame["file"].value_counts().to_dict() == {"second.csv": 39, "first.csv": 4}


@pytest.mark.parametrize("drop", ["a.csv", "b.csv", "c.csv", ["a.csv", "b.csv", "c.csv"]])
@pytest.mark.quick_cases(2)
def test_each_form_counts_once_of_three_copies(read_files, drop):
    """With one file dropped the two others still repeat each other; with all, the first stays."""
    forms = draw_forms(20)
    files = {name: forms[k:] + forms[:k] for k, name in enumerate(("a.csv", "b.csv", "c.csv"))}
    if isinstance(drop, str):
        left = sorted({*files} - {drop})
        error = refuse(lambda: read_files(files, duplicates={"drop": drop}))
        assert (error.fields["first"], error.fields["file"]) == tuple(left)
    else:
        survey = read_files(files, duplicates={"drop": drop})
        assert survey.frame["file"].tolist() == ["a.csv"] * 20


@pytest.mark.slow
def test_a_second_submission_that_contains_the_first_in_another_order(read_files):
    """36 of 43 forms stand in the first file: 47 forms in all."""
    forms = draw_forms(47)
    first, second = forms[:40], forms[4:]
    random.Random(3).shuffle(second)
    error = refuse(lambda: read_files({"first.csv": first, "second.csv": second}))
    assert error.fields["n"] == 36
    survey = read_files(
        {"first.csv": first, "second.csv": second}, duplicates={"drop": "second.csv"}
    )
    assert len(survey.frame) == 47
    assert sorted(survey.frame[ITEMS].sum(axis=1)) == sorted(sum(row[2:]) for row in forms)


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize(("start", "length"), [(0, 10), (12, 6), (20, 20)])
@pytest.mark.quick_cases(1)
def test_a_block_pasted_again_is_refused_and_can_be_dropped(read_files, start, length, times):
    """The rows of the block are named; dropping them gives the forms without the block."""
    forms = draw_forms(40)
    block = forms[start : start + length] * (times - 1)
    error = refuse(lambda: read_files({"a.csv": [*forms, *block]}))
    assert error.fields["n"] == length * (times - 1)
    later = {place.row for place in error.places if place.row >= 42}
    assert later == set(range(42, 42 + length * (times - 1)))
    survey = read_files({"a.csv": [*forms, *block]}, duplicates={"drop": "a.csv"})
    assert survey.frame["row"].tolist() == list(range(2, 42))


def test_a_block_pasted_into_the_file_of_another_unit_is_refused(read_files):
    """The unit of the file is no part of what a form says."""
    ours, theirs = draw_forms(30), draw_forms(30, 2, "so-b")
    pasted = [[number, "so-b", *answers] for number, _, *answers in ours[5:17]]
    error = refuse(lambda: read_files({"a.csv": ours, "b.csv": [*theirs, *pasted]}))
    assert error.fields["n"] == 12


@pytest.mark.slow
def test_a_copied_sheet_is_refused_by_its_name(tmp_path, read_answers):
    """The copy of a sheet may be hidden; the label names file and sheet."""
    rows = [HEADER, *draw_forms(25)]
    sheets = {"Phiếu": rows, "Bản sao của Phiếu": rows}
    write_book(tmp_path / "a.xlsx", **sheets)
    facts = {
        "instrument": "qd-2640-2017",
        "columns": {"unit": "unit", "ignore": ["Số"]},
        "responses": [{"file": "a.xlsx", "sheet": sheet} for sheet in sheets],
    }
    error = refuse(lambda: read_answers(None, **facts))
    assert error.fields["file"] == "a.xlsx [Bản sao của Phiếu]"
    assert {place.sheet for place in error.places} == {"Phiếu", "Bản sao của Phiếu"}
    survey = read_answers(None, **facts, duplicates={"drop": "a.xlsx [bản sao của phiếu]"})
    assert (len(survey.frame), survey.n_read) == (25, 50)


@pytest.mark.slow
def test_kept_copies_count_and_need_a_reason(read_files):
    """Without a reason nothing can be printed in the report."""
    files = {"a.csv": draw_forms(20), "b.csv": draw_forms(20)[1:]}
    because = "Hai đợt phỏng vấn cùng một nhóm người"
    survey = read_files(files, duplicates={"keep": "b.csv", "because": because})
    assert len(survey.frame) == 39
    with pytest.raises(ConfigError) as caught:
        read_files(files, duplicates={"keep": "b.csv"})
    assert caught.value.message_id == "duplicates_because"


@pytest.mark.slow
def test_names_that_do_nothing_are_refused(read_files):
    """A misspelt name shows the nearest file; a file without copies needs no entry."""
    files = {"a.csv": draw_forms(20), "b.csv": draw_forms(20, 2)}
    with pytest.raises(ConfigError, match=r"“c\.csv” is none .* mean “[ab]\.csv”"):
        read_files(files, duplicates={"drop": "c.csv"})
    with pytest.raises(ConfigError, match=r"“b\.csv” has none"):
        read_files(files, duplicates={"drop": "b.csv"})


def test_an_id_in_two_files_with_other_answers_is_refused_in_any_case(read_files):
    """Whatever `duplicates` says: nobody can know which of the two is the form."""
    ours, theirs = draw_forms(20), draw_forms(20, 2)
    for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        one[0], other[0] = f"P{at}", f"P{at + 17}"
    with pytest.raises(FormError) as caught:
        read_files({"a.csv": ours, "b.csv": theirs}, columns={"form": "Số", "ignore": []})
    assert caught.value.message_id == "form_ids_differ"
    assert [(place.file, place.row) for place in caught.value.places] == [
        *(("a.csv", row) for row in (19, 20, 21)),
        *(("b.csv", row) for row in (2, 3, 4)),
    ]


def test_one_form_with_the_same_id_and_answers_in_two_files_is_a_copy(read_files):
    """The id is evidence enough, also of a straight line."""
    ours, theirs = draw_forms(20), draw_forms(20, 2)
    for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        one[0], other[0] = f"P{at}", f"Q{at}"
    ours[3][0] = theirs[8][0] = "P3"
    ours[3][2:] = theirs[8][2:] = [5] * 22
    columns = {"form": "Số", "ignore": []}
    read = read_files
    error = refuse(lambda: read({"a.csv": ours, "b.csv": theirs}, columns=columns))
    assert [(place.file, place.row) for place in error.places] == [("a.csv", 5), ("b.csv", 10)]


def test_numbers_that_count_the_rows_of_each_file_are_no_ids(read_files):
    """Every unit numbers its forms from 1, some with gaps."""
    ours, theirs = draw_forms(20), draw_forms(22, 2)
    files = {"a.csv": ours, "b.csv": [*theirs[:8], *theirs[10:]]}
    assert len(read_files(files, columns={"form": "Số", "ignore": []}).frame) == 40


@pytest.mark.slow
def test_two_units_that_are_satisfied_with_everything_are_no_copies(read_files):
    """Straight lines are equal by nature, by the day as well, whatever their number."""
    files = {
        f"{unit}.csv": [[k, unit, *[5] * 22, f"2024-03-{1 + k // 5:02d}"] for k in range(60)]
        for unit in ("so-a", "so-b")
    }
    files["b.csv"] = [[*row, "2024-03-01"] for row in draw_forms(50, 4)]
    header = [*HEADER, "Ngày"]
    columns = {"date": "Ngày"}
    assert len(read_files(files, header, columns=columns).frame) == 170


@pytest.mark.parametrize("period", [1, 2, 3, 5, 8])
@pytest.mark.quick_cases(2)
def test_a_sheet_that_repeats_itself_all_the_time_is_no_pasted_block(read_files, period):
    """Invented answers often have a period; that is for the rules of form quality."""
    forms = draw_forms(period)
    assert len(read_files({"a.csv": forms * 8}).frame) == 8 * period


def test_tables_of_frequencies_are_no_copies(read_files):
    """Both units list the same patterns in the same order, each with its count."""
    patterns = draw_forms(30)
    files = {
        f"{unit}.csv": [[1 + k % step, unit, *row[2:]] for k, row in enumerate(patterns)]
        for unit, step in (("so-a", 4), ("so-b", 3))
    }
    survey = read_files(files, columns={"count": "Số", "ignore": []})
    assert len(survey.frame) == sum(1 + k % 4 + 1 + k % 3 for k in range(30))


@pytest.mark.parametrize("change", [lambda rows: rows, lambda rows: rows[::-1]])
@pytest.mark.slow
def test_a_table_of_frequencies_handed_in_twice_is_refused(read_files, tmp_path, change):
    """Saved again under another name, with a space or sorted anew: each form would count twice."""
    table = [[1 + k % 4, "so-a", *row[2:]] for k, row in enumerate(draw_forms(6))]
    other = [[2 + k % 3, "so-b", *row[2:]] for k, row in enumerate(draw_forms(6))]
    files = {
        "a.csv": table,
        "b.csv": other,
        "c.csv": [[f" {n}", *row] for n, *row in change(table)],
    }
    facts = {"columns": {"count": "Số", "ignore": []}}
    error = refuse(lambda: read_files(files, **facts))
    found = error.message_id, error.fields["file"], error.fields["first"]
    assert found == ("copies", "c.csv", "a.csv")
    assert len(error.places) == 12
    survey = read_files(files, duplicates={"drop": "c.csv"}, **facts)
    assert len(survey.frame) == sum(row[0] for row in (*table, *other))
    assert set(survey.ledger.loc[survey.ledger["reason"] == "copy", "file"]) == {"c.csv"}
    sheets = {name: [[*HEADER], *table] for name in ("Tháng 1", "Tháng 2")}
    write_book(tmp_path / "b.xlsx", **sheets)
    responses = [{"file": "b.xlsx", "sheet": name} for name in sheets]
    error = refuse(lambda: read_files({"a.csv": other}, responses=responses, **facts))
    assert error.fields["file"] == "b.xlsx [Tháng 2]"


@pytest.mark.slow
def test_a_short_or_corrected_table_of_frequencies_is_no_copy(read_files):
    """Two patterns may have equal counts by chance; one other count makes another table."""
    table = [[1 + k % 4, "so-a", *row[2:]] for k, row in enumerate(draw_forms(6))]
    files = {"a.csv": table, "b.csv": [[9, *table[0][1:]], *table[1:]], "c.csv": table[:2]}
    files["d.csv"] = [*reversed(table[:2])]
    columns = {"count": "Số", "ignore": []}
    assert len(read_files(files, columns=columns).frame) == sum(
        row[0] for rows in files.values() for row in rows
    )


def test_copies_of_a_wave_with_other_mistakes_are_told_at_once(read_files):
    """One failing run lists both, so that both are corrected together."""
    forms = draw_forms(30)
    wrong = [[*row] for row in forms]
    wrong[3][5] = 7
    with pytest.raises(SeveralError) as caught:
        read_files({"a.csv": forms, "b.csv": wrong})
    assert {error.message_id for error in caught.value.errors} == {"answer", "copies"}


def draw_wave(seed: int, items: int, units: int, forms: int, **how: float) -> pd.DataFrame:
    """Draw a correct wave with halo: a person effect of 3, straight lines, satisfied units."""
    rng = np.random.default_rng(seed)
    shape = (units * forms, items)
    level = how.get("mean", 1.2) + np.repeat(rng.normal(0, 0.5, units), forms)
    level = level + rng.normal(0, how.get("halo", 3), len(level))
    answers = (
        np.digitize(level[:, None] + 0.6 * rng.logistic(size=shape), [-3, -1.5, -0.2, 1.6]) + 1.0
    )
    straight = rng.random(len(level)) < 0.25
    answers[straight] = np.median(answers[straight], axis=1).round()[:, None]
    answers[: int(how.get("satisfied", 0)) * forms] = 5
    unit = np.repeat(np.arange(units), forms)
    frame = pd.DataFrame(answers, columns=ITEMS[:items]).assign(unit=unit, file=unit.astype(str))
    frame = frame.assign(row=np.tile(np.arange(2, forms + 2), units))
    if how.get("profile"):
        frame = frame.assign(
            sex=rng.choice(["m", "f"], len(unit)), age=rng.choice([1, 2, 3, 4], len(unit))
        )
    return frame


WAVES = {
    "three items, 2,000 forms of one unit": (3, 1, 2000),
    "three items, units of 30": (3, 40, 30),
    "three items, communes of 7": (3, 200, 7),
    "one item": (1, 20, 150),
    "eight items, very satisfied": (8, 30, 30, {"mean": 3}),
    "22 items, units of 30": (22, 30, 30, {"satisfied": 3}),
    "22 items, units of 150, with profile": (22, 20, 150, {"satisfied": 5, "profile": 1}),
    "22 items, very satisfied, strong halo": (22, 20, 60, {"mean": 4, "halo": 4}),
}


def count_refusals(name: str, seeds: range, make_wave: Callable[..., Path]) -> int:
    """Count the correct waves in which something is refused."""
    items, units, forms, *how = WAVES[name]
    pack = read_instrument("qd-2640-2017").model_copy()
    pack = pack.model_copy(
        update={"items": {code: pack.items[code] for code in ITEMS[:items]}, "overall_item": None}
    )
    wave = read_wave(make_wave(instrument="qd-2640-2017"))
    n = 0
    for seed in seeds:
        frame = draw_wave(seed, items, units, forms, **(how[0] if how else {}))
        n += bool(settle_copies(frame, wave, pack)[2])
    return n


@pytest.mark.parametrize("name", WAVES)
@pytest.mark.quick_cases(1)
def test_correct_waves_are_not_refused(name, make_wave):
    """Three waves each; the slow test counts the rate."""
    assert count_refusals(name, range(3), make_wave) == 0


@pytest.mark.slow
@sizes("n_waves", 60, 200)
@pytest.mark.parametrize("name", WAVES)
def test_at_most_one_correct_wave_in_a_hundred_is_refused(name, n_waves, make_wave):
    """Rule Q2: of 200 at most 2 are expected; more than 6, or 3 of 60, have a chance of 0.5 %."""
    assert count_refusals(name, range(1000, 1000 + n_waves), make_wave) <= {60: 3, 200: 6}[n_waves]
