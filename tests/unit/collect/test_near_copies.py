"""Single forms that were sent twice or sent again with corrections: listed, never dropped alone."""

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.quality.findings import check
from sipas_analysis.reports.check_output import describe_check, list_check_tables

ITEMS = [*read_instrument("qd-2640-2017").items]
UNITS = ("so-a", "so-b")


def draw_answers(seed=1, n=60):
    """Draw varied forms of two units with sex and age, in the order in which they came."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(3.7, 0.7, (n, 1))
    answers = np.clip(np.round(mean + rng.normal(0, 0.9, (n, len(ITEMS)))), 1, 5).astype(int)
    frame = pd.DataFrame(answers, columns=ITEMS)
    frame.insert(0, "unit", rng.choice(UNITS, n))
    return frame.assign(
        sex=rng.choice(["male", "female"], n), age=rng.choice(["18-24", "25-34"], n)
    )


def send_again(frame, at, to=None, changes=()):
    """Insert a form once more, with other answers to some items."""
    again = frame.iloc[[at]].copy()
    for item, level in changes:
        again[item] = level
    to = at + 1 if to is None else to
    return pd.concat([frame[:to], again, frame[to:]], ignore_index=True)


@pytest.fixture
def read(tmp_path, read_answers):
    """Read the survey of one file of forms."""

    def read_frame(frame, **facts):
        frame.to_csv(tmp_path / "a.csv", index=False)
        columns = {"unit": "unit", "indicators": {"sex": "sex", "age": "age"}}
        wave = {"instrument": "qd-2640-2017", "responses": [{"file": "a.csv"}]}
        return read_answers(None, **(wave | {"columns": columns} | facts))

    return read_frame


def list_pairs(survey):
    """Return the rows of the pairs that are listed."""
    repeats = check(survey).repeats
    return repeats[["other_row", "row", "n_equal", "n_items"]].to_numpy().tolist()


def describe(survey, language="en"):
    """Return what is printed, as one text."""
    return "\n".join(text for text, _ in describe_check(survey, language))


@pytest.mark.parametrize("at", [0, 10, 57])
@pytest.mark.quick_cases(1)
def test_a_form_sent_twice_is_listed_with_both_rows_and_counts(read, at):
    """On the screen and in copies.csv, with what to write; without an accusation."""
    survey = read(send_again(draw_answers(), at))
    assert list_pairs(survey) == [[at + 2, at + 3, 24, 24]]
    assert len(survey.frame) == 61
    for language, rows in (("vi", "dòng"), ("en", "rows")):
        text = describe(survey, language)
        assert f"a.csv, {rows} {at + 2} = {at + 3}" in text
        assert 'duplicates: {drop: "a.csv"}' in text
        assert "nothing needs a second look" not in text
    copies = list_check_tables(survey)["copies"]
    assert [at + 3] == copies.loc[copies["other_row"] == at + 2, "row"].tolist()


@pytest.mark.slow
def test_what_is_listed_can_be_dropped_or_kept(read):
    """The earlier form counts; a file that is kept is not named again."""
    frame = send_again(draw_answers(), 10)
    dropped = read(frame, duplicates={"drop": "a.csv"})
    assert dropped.frame["row"].tolist() == [row for row in range(2, 63) if row != 13]
    copy = dropped.ledger[dropped.ledger["reason"] == "copy"]
    assert copy[["row", "found"]].to_numpy().tolist() == [[13, "a.csv, 12"]]
    assert list_pairs(dropped) == []
    kept = read(frame, duplicates={"keep": "a.csv", "because": "Twins"})
    assert len(kept.frame) == 61
    assert "rows 12 = 13" not in describe(kept)


@pytest.mark.slow
def test_all_files_with_equal_forms_are_named_at_once(read, tmp_path):
    """What is printed can be copied into wave.yaml."""
    send_again(draw_answers(8), 4).to_csv(tmp_path / "b.csv", index=False)
    entries = [{"file": "a.csv"}, {"file": "b.csv"}]
    printed = describe(read(send_again(draw_answers(), 10), responses=entries))
    assert "a.csv, rows 12 = 13" in printed
    assert "b.csv, rows 6 = 7" in printed
    assert 'duplicates: {drop: ["a.csv", "b.csv"]}' in printed


@pytest.mark.parametrize("changes", [[("A1", 5)], [("A1", 1), ("C3", 1)]])
@pytest.mark.slow
def test_a_form_sent_again_with_corrections_is_listed_apart(read, changes):
    """It is not dropped with equal ones: nobody knows which of the two counts."""
    frame = draw_answers()
    frame.loc[10, ["A1", "C3"]] = [2, 2]
    survey = read(send_again(frame, 10, changes=changes))
    assert list_pairs(survey) == [[12, 13, 24 - len(changes), 24]]
    assert "rows 12 ≈ 13" in describe(survey)
    assert "sent again with corrections" in describe(survey)


@pytest.mark.slow
def test_corrected_forms_of_a_second_file_are_listed_with_both_files(read, tmp_path):
    """Four forms of the first file stand in the second with one answer changed."""
    frame = draw_answers(n=40).assign(unit="so-a")
    again = frame.loc[:3].assign(B2=frame.loc[:3, "B2"] % 5 + 1)
    pd.concat([again, draw_answers(8, 20).assign(unit="so-a")]).to_csv(
        tmp_path / "b.csv", index=False
    )
    survey = read(frame, responses=[{"file": "a.csv"}, {"file": "b.csv"}])
    assert len(survey.frame) == 64
    assert "a.csv ≈ b.csv, rows 2 ≈ 2, 3 ≈ 3, 4 ≈ 4, 5 ≈ 5" in describe(survey)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.quick_cases(1)
def test_correct_forms_are_not_listed(read, seed):
    """Sixty people of two units."""
    assert list_pairs(read(draw_answers(seed))) == []


def test_what_is_equal_by_nature_is_not_listed(read):
    """Straight lines, nearly straight lines, and equal forms of two units."""
    frame = draw_answers()
    frame.loc[20:40, ITEMS] = 4
    frame.loc[30:40, "A1"] = 5
    frame.loc[10], frame.loc[50] = frame.loc[5], frame.loc[5]
    frame.loc[[5, 10, 50], "unit"] = ["so-a", "so-b", "so-b"]
    assert list_pairs(read(frame)) == [[12, 52, 24, 24]]


@pytest.mark.slow
def test_a_common_answer_is_no_evidence(read):
    """Where many pairs of a wave nearly agree, one pair more that agrees is chance."""
    frame = draw_answers()
    rng = np.random.default_rng(4)
    pattern = frame.loc[0, ITEMS].to_numpy()
    for row in range(40):
        changed = rng.random(len(ITEMS)) < rng.uniform(0.02, 0.3)
        frame.loc[row, ITEMS] = np.where(changed, rng.integers(3, 6, len(ITEMS)), pattern)
    assert list_pairs(read(frame)) == []


@pytest.mark.slow
def test_rows_of_a_table_of_frequencies_are_no_copies(read):
    """Each row stands for several forms; straight lines are still counted by form."""
    frame = draw_answers(n=60).drop_duplicates(ITEMS)
    frame.loc[:9, ITEMS] = 4
    frame.loc[10:12, ITEMS] = ([4, 5] * 11)[: len(ITEMS)]
    counted = frame.assign(n=[1 + k % 4 for k in range(len(frame))])
    columns = {"unit": "unit", "count": "n", "indicators": {"sex": "sex", "age": "age"}}
    survey, plain = read(counted, columns=columns), read(frame)
    findings, of_rows = check(survey), check(plain)
    assert len(survey.frame) == counted["n"].sum()
    assert list_pairs(survey) == []
    assert findings.copies.empty == of_rows.copies.empty
    tables = [result.frame.set_index(["fact", "unit"])["count"] for result in (findings, of_rows)]
    for unit in UNITS:
        assert tables[0].get(("pattern", unit), 0) == tables[1].get(("pattern", unit), 0)
        straight = counted.loc[(counted.index < 10) & (counted["unit"] == unit), "n"].sum()
        assert tables[0]["straight", unit] == straight
