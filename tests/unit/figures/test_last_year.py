"""Last year beside this year: what is found, what is hidden, and which units are others."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import PACK, write_wave

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.documents.model import Table, render_text
from sipas_analysis.errors import ConfigError
from sipas_analysis.figures.last_year import Change, hide_withheld
from sipas_analysis.figures.published import Figures
from sipas_analysis.improve.two_waves import TwoWaves
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.change import compare
from sipas_analysis.reports.chapters.trend import describe_last_year, list_sure_changes
from sipas_analysis.reports.check_output import describe_check
from sipas_analysis.reports.subject import Subject

BEFORE = {"a": (20, 30), "b": (24, 30), "c": (15, 30), "d": (21, 30)}
AFTER = {"a": (28, 31), "b": (29, 32), "c": (29, 30), "d": (30, 33)}


def write_year(tmp_path, year, counts, names=None, pack=PACK, districts=(), **facts):
    """Write a wave with ``unit=(satisfied, n)`` into a folder of its own."""
    rows = [
        f"{unit},{5 if k < good else 3},{5 if k < good else 2},{4 if k % (3 + number) else 2}"
        for number, (unit, (good, n)) in enumerate(counts.items())
        for k in range(n)
    ]
    names = {unit: f"Sở {unit.upper()} {unit}" for unit in counts} | (names or {})
    groups = {unit: "districts" if unit in districts else "departments" for unit in counts}
    units = "code,name_vi,group\n" + "".join(f"{u},{names[u]},{groups[u]}\n" for u in counts)
    folder = tmp_path / str(year)
    folder.mkdir()
    answers = "\n".join(["unit,A1,A2,D1", *rows, ""])
    write_wave(folder, answers, units=units, pack=pack, id=f"w-{year}", year=year, **facts)
    return folder


def read_years(tmp_path, before, after, *, changes="", **facts):
    """Return the figures of a wave of 2024 that names one of 2023."""
    write_year(tmp_path, 2023, before, **facts.pop("earlier_facts", {}))
    folder = write_year(tmp_path, 2024, after, earlier=["../2023/wave.yaml"], **facts)
    if changes:
        (folder / "unit_changes.csv").write_text("date,from,to,share\n" + changes, "utf-8")
    return Figures(read_survey(read_wave(folder)))


@pytest.mark.slow
def test_a_figure_finds_its_own_change(tmp_path):
    """Value, interval, verdict and id are those of ``compare``; ids stand in figures.csv."""
    figures = read_years(tmp_path, BEFORE, AFTER)
    last_year, own = figures.last_year, figures.by_variable("unit", "c")["A1"]
    change = last_year.find(own)
    assert last_year.wave.id == "w-2023"
    assert (change.before, change.after) == pytest.approx((50.0, 100 * 29 / 30))
    assert change.value == pytest.approx(change.after - change.before)
    assert (change.verdict, change.low > 0, change.id) == ("up", True, "change:A1@c")
    frame = compare(figures.earlier[0].survey, figures.survey).frame
    row = frame.query("domain == 'unit' and unit == 'c' and variable == 'A1'").iloc[0]
    assert [change.value, change.low, change.high] == row[["value", "low", "high"]].tolist()
    published = figures.by_id.set_index("id").loc[change.id]
    assert published[["value", "before", "low"]].tolist() == [change.value, 50.0, change.low]
    falls = published[["fall", "fall_low", "fall_high"]].tolist()
    assert falls == [-change.value, -change.low, -change.high]
    assert last_year.find(figures.by_variable("all")["mean_score"]).reason == "absent"
    assert figures.last_year is last_year  # computed once


def test_no_earlier_wave_is_no_last_year(tmp_path):
    """Nothing is said, and nothing is computed."""
    figures = Figures(read_survey(read_wave(write_year(tmp_path, 2024, BEFORE))))
    assert figures.last_year is None
    assert describe_last_year(Subject(figures)) == []


@pytest.mark.slow
def test_sure_changes_are_named_largest_first(tmp_path):
    """One unit fell and one rose for sure; item D1 did not change."""
    after = {"a": (30, 30), "b": (30, 30), "c": (29, 30), "d": (2, 30)}
    subject = Subject(read_years(tmp_path, BEFORE, after))
    sure = [figure.unit or figure.variable for figure in list_sure_changes(subject)]
    assert sure[0] == "d"
    assert "c" in sure
    assert "D1" not in sure
    (table,) = [block for block in describe_last_year(subject) if isinstance(block, Table)]
    assert render_text(table.rows[0][0], "vi") == "Sở D d ‡"
    assert render_text(table.rows[0][5], "vi").startswith("−")
    assert table.columns[-1].label.id == "report.column.change_interval"  # no column of "yes"
    first = describe_last_year(subject)[0].text.text("vi")
    assert first.startswith("Mức thay đổi của chỉ số chung so với năm 2023: ")
    assert first.endswith("chưa vượt sai số chọn mẫu.")


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_units_that_are_others_now_are_named(tmp_path):
    """a became n, b and c merged into m, d was split, e is gone, f is new."""
    before = BEFORE | {"e": (20, 30)}
    after = {"n": (25, 30), "m": (26, 31), "x": (27, 32), "f": (28, 33)}
    changes = (
        "2023-06-01,a,n,\n2023-06-01,b,m,\n2023-06-01,c,m,\n"
        "2023-06-01,d,x,0.5\n2023-06-01,d,y,0.5\n"
    )
    last_year = read_years(tmp_path, before, after, changes=changes).last_year
    kinds = [(change.code, change.kind, len(change.before)) for change in last_year.unit_changes]
    assert kinds == [("n", "renamed", 1), ("m", "merged", 2), ("x", "split", 1)]
    assert (last_year.new_units, last_year.gone_units) == (("f",), ("e",))
    assert last_year.unit_changes[1].before[0].vi == "Sở B b"
    assert last_year.name_units(["e"])[0].vi == "Sở E e"


@pytest.mark.slow
def test_the_sum_of_merged_units_does_not_reveal_a_hidden_one(tmp_path):
    """a (3 people) was hidden; merged with b, whose figures were shown, it must stay hidden."""
    before = {"a": (2, 3), "b": (24, 30), "c": (15, 30), "d": (21, 30), "e": (3, 30)}
    after = {"m": (24, 30), "c": (15, 30), "d": (21, 30), "e": (3, 30)}
    figures = read_years(tmp_path, before, after, changes="2023-06-01,a,m,\n2023-06-01,b,m,\n")
    change = figures.last_year.find(figures.by_variable("unit", "m")[OVERALL])
    assert change == Change(reason="suppressed") or np.isnan(change.value)
    assert change.reason == "suppressed"
    row = figures.last_year.frame.query("unit == 'm' and variable == 'overall'").iloc[0]
    assert row[["value_before", "low", "n_before", "p_holm"]].isna().all()


@pytest.mark.slow
def test_a_merged_unit_with_one_hidden_item_shows_no_figure(tmp_path):
    """Item D1 of a has 3 answers: the sum of m less the shown b, by any figure, would be a's."""
    before = {
        "a": (20, 30),
        "b": (24, 30),
        "c": (15, 30),
        "d": (21, 30),
        "e": (3, 30),
        "f": (9, 30),
    }
    after = {"m": (24, 30), "c": (15, 30), "d": (21, 30), "e": (3, 30), "f": (9, 30)}
    write_year(tmp_path, 2023, before)
    path = tmp_path / "2023" / "answers.csv"
    rows = path.read_text("utf-8").splitlines()
    rows[4:31] = [row.rpartition(",")[0] + "," for row in rows[4:31]]
    path.write_text("\n".join([*rows, ""]), "utf-8")
    folder = write_year(tmp_path, 2024, after, earlier=["../2023/wave.yaml"])
    changes = "date,from,to,share\n2023-06-01,a,m,\n2023-06-01,b,m,\n"
    (folder / "unit_changes.csv").write_text(changes, "utf-8")
    figures = Figures(read_survey(read_wave(folder)))
    earlier = figures.earlier[0].scores.query("unit == 'a'").set_index("variable")["flag"]
    assert earlier["D1"] == "suppress"
    assert (earlier != "suppress").any()
    of_merged = figures.last_year.frame.query("unit == 'm'")
    numbers = of_merged[["value_before", "n_before", "value", "low", "expected", "p_holm"]]
    assert numbers.isna().all(axis=None)
    beside = figures.last_year.frame.query("domain == 'unit' and level == 'overall'")
    beside = beside[beside["reason"] == ""]
    assert len(beside) > 0
    assert beside["expected"].isna().all()  # the mean of the group would have m in it
    order = beside.sort_values("p")
    n = len(order)
    assert order["p_holm"].iloc[0] == pytest.approx(min(1, n * order["p"].iloc[0]))
    hidden = TwoWaves(figures.earlier[0].survey, figures.survey, _publish(figures))
    assert {row["reason"] for (unit, _), row in hidden.figures.items() if unit == "m"} == {
        "suppressed"
    }


def _publish(figures):
    """Return the published figures of both waves."""
    waves = (figures.earlier[0], figures)
    return tuple(replace(wave.unit_estimates, frame=wave.scores) for wave in waves)


@pytest.mark.slow
@pytest.mark.parametrize("moved", ["a", "d"])
def test_a_unit_that_changes_its_group_is_not_the_difference_of_two_reports(tmp_path, moved):
    """Departments of 2023 less those units that are departments now: the 4 forms of hidden a."""
    after = BEFORE | {"e": (3, 30), "f": (9, 31), "g": (35, 50)}
    before = after | {"a": (2, 4), "b": (9, 12), "d": (41, 60)}
    figures = read_years(
        tmp_path, before, after, districts=f"ef{moved}", earlier_facts={"districts": "ef"}
    )
    earlier = figures.earlier[0].scores.set_index(["domain", "unit", "variable"])["flag"]
    assert earlier["unit", "a", OVERALL] == "suppress"
    last_year = figures.last_year
    changes = dict(last_year.list_changes())
    groups = {key[1]: changes[key] for key in changes if key[::3] == ("group", OVERALL)}
    assert {*groups} == {"departments", "districts"}
    ids = {*figures.by_id["id"]}
    compared = compare(figures.earlier[0].survey, figures.survey)
    surveys = [figures.earlier[0].survey, figures.survey]
    page = hide_withheld(compared, surveys, Figures).frame
    for group, change in groups.items():
        is_open = moved == "d" and group == "districts"  # e, f and d were shown
        assert change.is_known == is_open
        assert (f"change:{OVERALL}@group:{group}" in ids) == is_open
        rows = page.query("domain == 'group' and group == @group and variable == 'overall'")
        numbers = rows[["value", "value_before", "value_after", "low", "n_before"]]
        assert numbers.isna().all(axis=None) != is_open
    assert last_year.find(figures.by_variable("all")[OVERALL]).is_known


@pytest.mark.slow
def test_check_proposes_lines_that_can_be_used(tmp_path):
    """A unit with a near name in its group; the line, written down, makes the years comparable."""
    old = {"a": "Huyện Tịnh Biên"}
    new = {"t": "Thị xã Tịnh Biên", "z": "Ban Quản lý Khu kinh tế"}
    figures = read_years(
        tmp_path,
        BEFORE,
        {"t": (25, 30), "b": (20, 31), "c": (20, 32), "z": (20, 33)},
        names=new,
        earlier_facts={"names": old},
    )
    said = [text for text, table in describe_check(figures.survey, "vi") if table is None]
    (lines,) = [text for text in said if text.startswith("date,from,to,share,kind,status\n")]
    proposed = lines.splitlines()
    assert proposed[1:] == ["2024-12-31,a,t,,rename,unverified"]
    assert any(text.startswith("2 đơn vị không có tương ứng") for text in said)
    path = figures.survey.wave.path_of("unit_changes.csv")
    path.write_text(lines + "\n", "utf-8")
    last_year = Figures(read_survey(read_wave(path.parent))).last_year
    assert [change.kind for change in last_year.unit_changes] == ["renamed"]
    assert last_year.new_units == ("z",)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda folder: (folder / "answers.csv").unlink(), "answers.csv"),
        (lambda folder: (folder / "wave.yaml").unlink(), "wave.yaml"),
        (
            lambda folder: (folder / "answers.csv").write_text("unit,A1,A2,D1\na,77,1,1\n"),
            "cell B2",
        ),
    ],
)
def test_an_earlier_wave_that_cannot_be_read_is_named(tmp_path, break_it, words):
    """One error, that of the earlier wave, and where it is named."""
    figures = read_years(tmp_path, BEFORE, BEFORE)
    break_it(tmp_path / "2023")
    with pytest.raises(ConfigError, match=r"The earlier wave \.\./2023/wave\.yaml") as caught:
        _ = figures.last_year
    assert words in caught.value.text("en")
    assert "Đợt" in caught.value.text("vi")


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("facts", [{"id": "w-2024"}, {"year": 2031}])
def test_an_earlier_wave_is_another_one_and_not_later(tmp_path, facts):
    """The wave itself, or one of a later year, is refused."""
    figures = read_years(tmp_path, BEFORE, BEFORE)
    path = tmp_path / "2023" / "wave.yaml"
    old = "id: w-2023" if "id" in facts else "year: 2023"
    key, value = next(iter(facts.items()))
    path.write_text(path.read_text("utf-8").replace(old, f"{key}: {value}"), "utf-8")
    with pytest.raises(ConfigError, match="must name waves before this one"):
        _ = figures.last_year


@pytest.mark.slow
def test_two_waves_of_one_year_are_compared_in_their_order(tmp_path):
    """The second half of a year names the first."""
    figures = read_years(tmp_path, BEFORE, {"a": (29, 30), "b": (26, 31)})
    path = tmp_path / "2023" / "wave.yaml"
    path.write_text(path.read_text("utf-8").replace("year: 2023", "year: 2024"), "utf-8")
    assert figures.last_year.find(figures.by_variable("unit", "a")["A1"]).value > 0
    assert set(figures.last_year.gone_units) == {"c", "d"}


@pytest.mark.slow  # the figures of whole waves are computed and audited
@pytest.mark.parametrize("good", [30, 0])
def test_two_years_at_one_end_have_an_interval_around_no_change(tmp_path, good):
    """All of 30 both times: no change, an interval of both exact ones, open."""
    counts = {"a": (good, 30)}
    figures = read_years(tmp_path, counts, counts)
    change = figures.last_year.find(figures.by_variable("unit", "a")["A1"])
    assert (change.value, change.verdict) == (0.0, "open")
    assert change.low < 0 < change.high
    assert describe_last_year(Subject(figures, "a"))


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_a_change_tells_no_error_that_a_year_does_not_tell(tmp_path):
    """Where a wave shows a figure without its error, the ends of its change are whole points."""
    figures = read_years(tmp_path, BEFORE, AFTER)
    before, after = figures.earlier[0], figures
    exact = compare(before.survey, after.survey)
    key = "unit == 'a' and variable == 'overall'"
    hidden = after.scores.assign(se=after.scores["se"].mask(after.scores.eval(key)))
    waves = {id(before.survey): before.scores, id(after.survey): hidden}

    def find_tables(survey):
        return SimpleNamespace(scores=waves[id(survey)])

    shown = hide_withheld(exact, [before.survey, after.survey], find_tables).frame.query(key)
    row, full = shown.iloc[0], exact.frame.query(key).iloc[0]
    assert row[["se", "df", "p", "p_holm", "expected"]].isna().all()
    assert row["value"] == full["value"]
    assert [row["low"], row["high"]] == [math.floor(full["low"]), math.ceil(full["high"])]
