"""A survey made of a data frame: read as files are, with parts and other designs."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.collect.answer_files import hash_answers
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import AnswerError, ConfigError, ParameterError, SipasError
from sipas_analysis.infer.weighting import rake

DEMO = "data/an-giang-2021"
ANSWERS = pd.DataFrame(
    {
        "A1": [5, 4, 3, 2, 1.0, 5],
        "A2": [5, 4, 3, 2, 9, None],
        "B1": [1, 7, 3, 4, 6, 2],
        "mood": ["Good", "bad", "so ", "good", None, "N/A"],
        "office": ["x", "y", "x", "y", "x", "y"],
        "overall": [1, 2, 3, 4, 5, 5],
        "town": ["a", "b", "a", "b", "b", "a"],
        "w": [1, 2, 3, 4, 5, 6.0],
    }
)


def make(items: object = ("A1",), **arguments: object) -> Survey:
    names = list(items) if isinstance(items, tuple) else items
    return sipas.survey(arguments.pop("frame", ANSWERS), names, **arguments)


@pytest.fixture(scope="module")
def demo() -> Survey:
    return sipas.read_survey(sipas.read_wave(f"{DEMO}/wave.yaml"))


@pytest.mark.slow
def test_the_demo_wave_has_the_figures_of_its_files(demo):
    """The frame of the answers as they are written gives the same indices, to the last bit."""
    raw = pd.read_csv(f"{DEMO}/responses.csv")
    survey = sipas.survey(raw, pack="qd-2640-2017", unit="don_vi")
    assert (len(survey.frame), survey.n_read) == (870, 874)
    drops = [survey.ledger["reason"].eq("form_dropped").sum() for survey in (survey, demo)]
    assert drops == [4, 4]
    ours, files = sipas.score(survey).frame, sipas.score(demo).frame
    pd.testing.assert_frame_equal(ours, files, check_exact=True)


@pytest.mark.slow
def test_the_frame_of_a_survey_has_its_ranks_and_drivers(demo):
    """What was read once may be read again: scores, ranks within groups, drivers."""
    survey = sipas.survey(demo.frame, pack="qd-2640-2017", unit="unit", group="group")
    both = [sipas.score(each, "unit") for each in (survey, demo)]
    tables = [[scores.frame, sipas.rank(scores, 20, set_apart=()).frame] for scores in both]
    for ours, files in zip(*tables, strict=True):
        columns = ours.columns.drop("unit_name")
        pd.testing.assert_frame_equal(ours[columns], files[columns], check_exact=True)
    ours, files = sipas.drivers(survey).frame, sipas.drivers(demo).frame
    pd.testing.assert_frame_equal(ours, files, check_exact=True)


def test_answers_are_read_as_those_of_files():
    """Texts by their level, codes of no answer as blank, turned scales; each is in the ledger."""
    survey = make(
        {"A1": "Seats", "A2": "Signs", "mood": "Mood"},
        labels={"Good": 5, "bad": 1, "so": 3},
        blank=np.array([9, "N/A"], dtype=object),
        reverse="A1",
        unit="office",
        overall="overall",
    )
    assert survey.frame["A1"].tolist() == [1, 2, 3, 4, 5, 1]
    assert survey.frame["A2"].tolist()[:4] == [5, 4, 3, 2]
    assert survey.frame["A2"].isna().sum() == 2
    np.testing.assert_array_equal(survey.frame["mood"], [5, 1, 3, 5, np.nan, np.nan])
    assert survey.instrument.label_of("A2", "vi") == "Signs"
    assert survey.instrument.overall_item.code == "overall_item"
    changes = survey.ledger.groupby(["column", "reason"]).size().to_dict()
    expected = {("A1", "reversed"): 1, ("A2", "blank_code"): 1}
    assert changes == expected | {("mood", "label"): 4, ("mood", "blank_code"): 1}
    flags = make(("yes",), frame=ANSWERS.assign(yes=ANSWERS["A1"] > 3), scale=(0, 1))
    assert sipas.score(flags).select(variable="yes").frame["value"].item() == 50


def test_satisfied_are_the_two_best_levels_unless_said():
    """M1 on any scale; of two levels the better one."""
    scales = {(1, 5): 4, (1, 7): 6, (0, 10): 9, (1, 6): 5}
    made = {scale: make(scale=scale).instrument.scale.satisfied_from for scale in scales}
    assert made == scales
    assert make(("A1", "B1"), scale=(1, 7), satisfied=5).instrument.scale.satisfied_from == 5
    by_item = make(satisfied={"A1": 3}, scale=range(1, 6)).instrument
    assert by_item.scale_of("A1").satisfied_from == 3


def test_personal_columns_are_dropped_and_others_stay():
    """Names of people never enter (P1); a column with the word of a role is left out too."""
    frame = ANSWERS.assign(**{"Họ và tên": "An", "date": "2024-01-01"})
    survey = make(frame=frame, unit="office", keys=["town"])
    assert not {"Họ và tên", "date"} & {*survey.frame}
    reasons = survey.ledger.set_index("column")["reason"].to_dict()
    assert (reasons["Họ và tên"], reasons["date"]) == ("personal", "ignored")
    assert {"unit", "group", "town", "office", "w"} <= {*survey.keys}
    assert survey.wave.key_codes == ["town"]
    order = pd.Categorical([*"hlmhlm"], ["l", "m", "h"], ordered=True)
    levels = make(frame=ANSWERS.assign(grade=order), keys="grade").subset("grade > 'l'")
    assert sipas.score(levels, "grade").frame["grade"].unique().tolist() == ["m", "h"]


CONTACTS = {
    "texts": ["0912345678", "098 765 4321", "+84 912 345 678", "", None, "no telephone"],
    "numbers": [912345678.0, 987654321, 351234567, None, 703456789, 868686868],
    "mails": ["an@example.vn", "b.c@example.com", None, "", "d@example.org", "-"],
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("kind", CONTACTS)
def test_columns_of_telephones_and_mails_are_dropped_whatever_their_name(kind):
    """What people can be reached by never enters (P1), unless the caller says what it is."""
    frame = ANSWERS.assign(extra=CONTACTS[kind])
    survey = make(frame=frame, unit="office")
    assert "extra" not in survey.frame
    assert survey.ledger.set_index("column")["reason"].to_dict()["extra"] == "personal"
    with pytest.raises(SipasError, match="“extra” holds personal data and was removed"):
        sipas.score(survey, by="extra")
    assert "extra" in make(frame=frame, keys="extra").frame


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    "values",
    [
        [500_000_000, 750_000_000, 900_000_000, 310_000_000, 820_000_000, 990_000_000],  # dong
        ["012", "013", "014", "015", "016", "017"],
        ["at home", "@ office", "", "0912345678", "so so", "fine"],
        [1.5, 2.5, 3.5, None, 4.5, 5.5],
    ],
)
def test_other_columns_are_no_telephones(values):
    """Amounts, short codes and remarks stay."""
    assert "extra" in make(frame=ANSWERS.assign(extra=values)).frame


@pytest.mark.slow
def test_a_part_has_the_error_of_the_whole_sample(demo):
    """A subset gives the row of ``by=``; forms outside stay in the sample with nothing."""
    survey = make(("A1", "B1"), scale=(1, 7), weights="w", clusters="town", unit="office")
    whole = sipas.score(survey, "unit").select(unit="x").frame
    part = survey.subset("office == 'x'")
    assert (len(part.frame), len(part.design().frame)) == (3, 6)
    columns = ["value", "se", "n", "n_valid", "df"]
    pd.testing.assert_frame_equal(sipas.score(part).frame[columns], whole[columns])
    again = part.subset(lambda forms: forms["A1"] > 1).subset([True, False])
    assert again.frame["A1"].tolist() == [5]
    assert again.design().members.tolist() == [True, *[False] * 5]
    women = demo.subset(demo.frame["sex"] == "female")
    by_sex = sipas.score(demo, "sex").select(sex="female").frame
    pd.testing.assert_series_equal(sipas.score(women).frame["se"], by_sex["se"])


def test_a_survey_takes_a_raked_design_and_new_columns():
    """``with_design`` weights the same forms; ``assign`` adds keys."""
    survey = make(("A1", "B1"), scale=(1, 7), unit="office")
    raked = rake(survey.design(), {"town": {"a": 30, "b": 10}})
    weighted = survey.with_design(raked).assign(big=lambda forms: forms["w"] > 3)
    assert weighted.frame["weight"].tolist() == [10, 10 / 3, 10, 10 / 3, 10 / 3, 10]
    assert weighted.subset("big").design().calibration is raked.calibration
    share = sipas.score(weighted, by="town").select(variable="A1", town="a").frame
    wanted = sipas.mean(raked.assign(good=ANSWERS["A1"] >= 6), "good", by="town").frame
    assert share["value"].item() == pytest.approx(100 * wanted["value"].iloc[0])
    assert sipas.score(weighted, by="big").frame["big"].unique().tolist() == [False, True]


def test_forms_without_answer_leave_a_declared_sample_whole():
    """As R ``subset``: without a declaration they were never drawn, as from files."""
    frame = ANSWERS.assign(A1=[5, 4, None, 2, 1, 5])
    assert len(make(frame=frame).design().frame) == 5
    survey = make(frame=frame, weights="w")
    assert survey.design().members.tolist() == [True, True, False, True, True, True]
    assert survey.subset(frame["w"] > 2).frame["w"].tolist() == [4, 5, 6]


def test_forms_keep_the_index_of_their_frame():
    """A design or a mask made of the same frame meets its forms by label, in any order."""
    frame = ANSWERS.assign(A1=[5, 4, None, 2, 1, 5]).set_axis([*"fbcdea"]).sort_index()
    survey = make(("A1", "B1"), frame=frame, scale=(1, 7), unit="office")
    assert survey.frame.index.tolist() == [*"abcdef"]
    weighted = survey.with_design(sipas.Design(frame.loc[[*"fedcba"]], weights="w"))
    assert weighted.frame["weight"].tolist() == frame["w"].tolist()
    old = weighted.subset(frame.loc[[*"fedcba"], "w"] > 3)
    assert sipas.score(old).frame["n"].iloc[0] == (frame["w"] > 3).sum()
    twice = make(frame=ANSWERS.set_axis([0] * 6))
    assert twice.frame.index.tolist() == [*range(6)]


@pytest.mark.slow
def test_a_report_names_the_frame_by_its_hash():
    """What is printed was read from memory; the same answers have the same hash."""
    survey, again = make(unit="office"), make(unit="office", frame=ANSWERS.copy())
    changed = make(unit="office", frame=ANSWERS.assign(A1=5))
    assert survey.fingerprint == again.fingerprint != changed.fingerprint
    (content,) = survey.inputs.values()
    html = sipas.report(survey, "en").chapter("sources")._repr_html_()
    assert "data frame in memory" in html
    assert hash_answers([(content.file, content.sha256)])[:16] in html


@pytest.mark.slow
def test_a_report_ranks_the_units_of_a_frame_without_groups():
    """Units that belong to no group are one group; without units the chapter says so."""
    for unit, groups in (("office", ["all"]), (None, [])):
        report = sipas.report(make(unit=unit), "en")
        assert report.subject.figures.groups == groups
        html = report.chapter("ranking")._repr_html_()
        assert ("no units to rank" in html) == (not groups)
    assert "<li>Instrument: Questions of a data frame." in report.chapter("basis")._repr_html_()


def test_a_survey_says_that_no_answer_counts_as_satisfied():
    """Answers of 1 to 5 that are read on 1 to 7 give an index of 0: the scale is probably wrong."""
    shown = repr(make(scale=(1, 7)))
    assert shown.endswith(
        "6 forms of 6 read, 1 units, 1 items of 1 to 7, satisfied from 6 (no answer is)"
    )
    assert repr(make()).endswith("1 items of 1 to 5, satisfied from 4")


@pytest.mark.slow
def test_a_check_names_levels_that_nobody_used():
    """Answers of 1 to 5 on a scale to 7, one of them turned; few answers show nothing."""
    rng = np.random.default_rng(1)
    forms = pd.DataFrame(rng.integers(1, 6, (60, 2)), columns=["A1", "A2"])
    wide = make(("A1", "A2"), frame=forms, scale=(1, 7), reverse="A2")
    (said,) = sipas.check(wide).sentences()
    assert said.startswith("Never used by any item: level 6, 7 of the scale 1 to 7 (A1, A2)")
    assert "Is the scale 1 to 5?" in said
    assert "1 đến 5" in sipas.check(wide).translate("vi").sentences()[0]
    assert sipas.check(make(("A1", "A2"), frame=forms, reverse="A2")).sentences() == []
    few = make(("A1", "A2"), frame=forms.head(40), scale=(1, 7))
    assert sipas.check(few).sentences() == []


def test_drivers_say_what_a_frame_lacks():
    """Without factors or outcome there is no model, and the argument that is missing is named."""
    assert "factors={" in repr(sipas.drivers(make()))
    lonely = sipas.drivers(make(None, factors={"F": ["A1"]}))
    assert lonely.reason["linear"] == "no_outcome"
    assert "linear, logit, ordinal: no answered question" in repr(lonely)
    assert "overall=…" in repr(lonely)


def test_a_satisfied_number_belongs_to_the_items():
    """The question on the whole with a scale of its own keeps its two best levels, or is named."""
    arguments = {"overall": "B1", "overall_scale": (0, 10)}
    survey = make(satisfied=3, **arguments)
    assert sipas.score(survey).select(variable="B1").frame["value"].item() == 0  # none is 9 or 10
    assert repr(survey).endswith(
        "1 items of 1 to 5, satisfied from 3; B1 of 0 to 10, satisfied from 9 (no answer is)"
    )
    by_scale = make(satisfied=3, overall="B1", scale={"A1": (1, 5), "B1": (0, 10)})
    assert by_scale.instrument.scale_of("B1").satisfied_from == 9
    named = make(satisfied={"B1": 6}, **arguments).instrument
    assert [named.scale_of(code).satisfied_from for code in ("A1", "B1")] == [4, 6]
    same = make(satisfied=3, overall="overall").instrument  # on the scale of the items
    assert same.scale_of("overall_item").satisfied_from == 3


def test_a_survey_prints_every_scale():
    """Items of several scales are counted by their scale."""
    scales = {"A1": (1, 5), "B1": (1, 7), "w": (1, 6)}
    survey = make(("A1", "B1"), overall="w", scale=scales)
    first, warning = repr(survey).splitlines()
    assert first.endswith(
        "1 items of 1 to 5, satisfied from 4; 1 items of 1 to 7, satisfied from 6; "
        "w of 1 to 6, satisfied from 5"
    )
    assert "1 to 5, satisfied from 4 (A1); 1 to 7, satisfied from 6 (B1)" in warning
    scores = sipas.score(survey)
    assert scores.sentences() == [warning]
    assert "1 đến 7, hài lòng từ 6 (B1)" in scores.translate("vi").sentences()[0]
    assert scores.select(variable="A1").sentences() == []
    assert sipas.score(make(("A1", "B1"), scale=(1, 7))).sentences() == []


def test_a_survey_always_prints_the_question_on_the_whole():
    """Also where items have the same scale and level: else nobody sees that it was read."""
    assert repr(make(overall="overall")).endswith("; overall_item of 1 to 5, satisfied from 4")


def test_a_level_that_does_not_fit_proposes_to_name_its_column():
    """A number for a question of 0 to 10 beside items of 1 to 5 has a cure that can be typed."""
    with pytest.raises(ConfigError, match=r'name it: satisfied=\{"column": 8\}'):
        make(satisfied=8)
    with pytest.raises(ConfigError, match=r'by column: satisfied=\{"column"'):
        make(("A1", "B1"), scale={"B1": (0, 10)}, satisfied=8)
    named = make(("A1", "B1"), scale={"B1": (0, 10)}, satisfied={"B1": 8}).instrument
    assert [named.scale_of(code).satisfied_from for code in ("A1", "B1")] == [4, 8]


@pytest.mark.slow
def test_place_publisher_and_days_reach_the_report():
    """They are those of ``wave.yaml``; a single day is both ends."""
    days = ("2026-05-04", date(2026, 5, 29))
    survey = make(province={"vi": "Tỉnh A", "en": "A"}, publisher="Sở Y tế", collected=days)
    assert (survey.wave.publisher.vi, survey.wave.document_day) == ("Sở Y tế", date(2026, 5, 29))
    chapter = sipas.report(survey, "vi").chapter("basis")._repr_html_()
    assert "Tỉnh A" in chapter
    assert "04/05/2026" in chapter
    single = make(collected="2026-05-04").wave.collected
    assert single.start == single.end == date(2026, 5, 4)
    for wrong in ("May", ("2026-05-04",), ("2026-05-29", "2026-05-04"), 5):
        with pytest.raises(ParameterError, match="collected= must be the first and last day"):
            make(collected=wrong)


def test_an_unknown_argument_is_told_with_the_nearest():
    """Misspelt, or called as users call it."""
    for name, near in (("weigths", "weights"), ("date", "collected"), ("place", "province")):
        with pytest.raises(ParameterError, match=f"no argument {name}=.* nearest: {near}"):
            make(**{name: "x"})
    with pytest.raises(ParameterError, match="no argument qqqq="):
        make(qqqq=1)


def test_a_survey_prints_what_is_turned_and_how_it_was_drawn():
    """A few lines say all that was declared; nothing where nothing was."""
    survey = make(("A1", "B1"), scale=(1, 7), reverse="B1", weights="w", strata="town")
    first, *others = str(survey).splitlines()  # as print writes it
    assert first.startswith("survey: 6 forms of 6 read, 1 units, 2 items of 1 to 7")
    assert others == ["reversed: B1", "weights: w; strata: town"]
    assert len(repr(make()).splitlines()) == 1
    assert "replicate weights: JK1" in repr(make(replicates="JK1"))


def test_a_scale_by_column_names_only_those_that_differ():
    """All others are 1 to 5, as without a scale."""
    survey = make(("A1", "B1"), scale={"B1": (1, 7)}, overall="overall")
    pack = survey.instrument
    ends = [(pack.scale_of(code).low, pack.scale_of(code).high) for code in pack.rated_codes]
    assert ends == [(1, 5), (1, 7), (1, 5)]
    with pytest.raises(AnswerError, match="Answers must be 1 to 5"):
        make(("A1", "B1"), scale={"A1": (1, 5)})


def test_many_wrong_answers_are_listed_by_value():
    """Texts of a whole file: each once, with how often and where, and none of its rows."""
    words = ["Agree", "Disagree", "Neither", "No answer"]
    forms = pd.DataFrame({f"A{n}": (words * 5)[n : n + 12] for n in range(6)})
    with pytest.raises(AnswerError) as caught:
        sipas.survey(forms, [*forms])
    said = str(caught.value)
    assert "value 'Agree': 18 in column “A0”, " in said
    assert said.count("and 3 more") == 4  # columns of each
    assert all(said.count(f"'{word}'") == 1 for word in words)
    assert "rows" not in said.partition(" are not (")[2].partition("; row 1")[0]
    assert "72 are not" in said
    assert "'Agree': 18 câu, cột “A0”" in caught.value.text("vi")


def test_title_and_factors_in_two_languages():
    """A report, its tables and its pictures name both in their language."""
    survey = make(
        ("A1", "B1", "w"),
        scale={"feel": (1, 7)},
        factors={
            "seats": {"vi": "Chỗ ngồi", "en": "Seats", "items": ["A1"]},
            "feel": {"items": ["B1", "w"], "en": "Feeling"},
        },
        title={"vi": "Khảo sát thử", "en": "Trial survey"},
    )
    for language, words in (("vi", ["Chỗ ngồi", "Feeling"]), ("en", ["Seats", "Feeling"])):
        printed = sipas.score(survey).to_markdown(lang=language)
        assert all(f"| {word} |" in printed for word in words)
    assert survey.wave.title.text("vi") == "Khảo sát thử"
    assert survey.wave.title.text("en") == survey.instrument.title.en == "Trial survey"
    assert survey.units[["name_vi", "name_en"]].iloc[0].tolist() == ["Khảo sát thử", "Trial survey"]
    assert survey.instrument.items["w"].factor == "feel"


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("factors", {"F": {"vi": "Một", "columns": ["A1"]}}, "factors=, F must be a list"),
        ("factors", {"F": {"vi": "Một"}}, "factors=, F must be a list"),
        ("factors", {"F": {"vi": 1, "items": ["A1"]}}, "wording of F in factors="),
        ("title", {"fr": "Essai"}, "wording of title in title="),
        ("title", 3, "wording of title in title="),
    ],
)
def test_names_in_two_languages_that_are_wrong(argument, value, words):
    """Each is refused with the argument that it stands in."""
    with pytest.raises(ConfigError, match=words):
        make(**{argument: value})


def test_the_question_on_the_whole_has_a_wording():
    """A text, or one in each language, as items have; tables show it."""
    survey = make({"A1": {"vi": "Ghế", "en": "Seats"}}, overall={"overall": "All in all"})
    scores = sipas.score(survey).select(level=["item", "overall_item"])
    english, vietnamese = (scores.to_markdown(lang=language) for language in ("en", "vi"))
    assert "| A1 | Seats |" in english
    assert "| overall\\_item | All in all |" in english
    assert "| A1 | Ghế |" in vietnamese
    both = make(overall={"overall": {"vi": "Chung", "en": "Whole"}}).instrument
    assert [both.label_of("overall_item", language) for language in ("vi", "en")] == [
        "Chung",
        "Whole",
    ]


def test_tables_mark_what_was_turned():
    """A figure of a turned question says so beside its wording, as in pictures; frames do not."""
    survey = make({"A1": "Waits", "B1": ""}, scale=(1, 7), reverse=["A1", "B1"])
    scores = sipas.score(survey).select(level="item")
    for table in (scores, sipas.proportion(survey, ["A1", "B1"])):
        english, vietnamese = (table.to_markdown(lang=language) for language in ("en", "vi"))
        assert "| A1 | Waits (reversed) |" in english
        assert "| A1 | Waits (đã đảo thang) |" in vietnamese
        assert "| B1 | B1 (reversed) |" in english
    assert "Waits (reversed)" in repr(scores)
    assert "reversed" not in scores.frame.to_csv()


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("turned", ["A1", ["A1"], ("A1",), pd.Index(["A1"])])
def test_one_name_is_a_list_of_one(turned):
    """A name in place of a list is not read letter by letter, and the column is turned."""
    survey = make(reverse=turned, keys="town", blank=9, factors={"F": "A1"})
    assert survey.frame["A1"].tolist() == [1, 2, 3, 4, 5, 1]
    assert (survey.wave.key_codes, survey.instrument.items["A1"].factor) == (["town"], "F")


def test_a_report_refuses_all_wrong_formats_at_once(tmp_path):
    """One error names each of them, and nothing is written."""
    with pytest.raises(ParameterError, match=r"“word”, “doc”"):
        sipas.report(make(), "en").write([], tmp_path / "out", ["html", "word", "doc"])
    assert not (tmp_path / "out").exists()


def test_a_report_names_the_questionnaire_by_the_title_of_the_survey():
    """A title says more than where the answers were."""
    report = sipas.report(make(title="Patients of three hospitals"), "en")
    html = report.chapter("basis")._repr_html_()
    assert "with what “Patients of three hospitals” asks about" in html
    assert "<li>Instrument: Patients of three hospitals." in html


MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "no such items": (lambda: make({"a1": "Seats"}), "it has no “a1”.*nearest: A1"),
    "no such unit": (lambda: make(unit="Office"), "`unit=` must name.*nearest: office"),
    "no items": (lambda: make(None), "Name their columns"),
    "no forms": (lambda: make(frame=ANSWERS.iloc[:0]), "the frame has none"),
    "no answers": (lambda: make(frame=ANSWERS.assign(A1=None)), "none of the 6 forms"),
    "texts": (lambda: make(("mood",)), "1 to 5, or blank; 5 are not.*labels="),
    "outside": (lambda: make(("A2",)), r"row 5, column “A2”, value '9'.*blank=\[…\]"),
    "longer weights": (lambda: make(weights=pd.Series(range(9))), "`weights` must be the name"),
    "weights array": (lambda: make(weights=np.ones(9)), "frame.assign"),
    "two scales": (
        lambda: make(None, factors={"F": ["A1", "B1"]}, scale={"A1": (1, 5), "B1": (1, 7)}),
        "those of F have several .A1: 1–5, B1: 1–7",
    ),
    "no scale": (lambda: make(("A1", "B1"), scale={"A1": (1, 5)}), "must be 1 to 5.*some columns"),
    "no question": (lambda: make(satisfied={"A2": 4}), "`satisfied=` must name.*“A2” is none"),
    "no such turned": (lambda: make(reverse="B1"), "`reverse=` must name questions"),
    "pack without overall": (
        lambda: make(None, pack="uk-mean", overall="w"),
        "(?i)leave out overall=",
    ),
    "turned scale": (lambda: make(scale=(5, 1)), "lowest and highest level, such as"),
    "one satisfied level of two scales": (
        lambda: make(("A1", "B1"), scale={"A1": (1, 5), "B1": (1, 7)}, satisfied=4),
        "items of one scale.*A1: 1–5, B1: 1–7.*satisfied= says 4",
    ),
    "wording": (lambda: make({"A1": {"fr": "Sièges"}}), "wording of A1 in items= must be a text"),
    "two outcomes": (lambda: make(overall=["B1", "overall"]), "it names several .B1, overall"),
    "wording of the outcome": (
        lambda: make({"A1": "", "B1": "All"}, overall="B1"),
        'its wording goes into overall={"B1": "…"}',
    ),
    "satisfied": (lambda: make(satisfied=8), "above 1 and up to 5; satisfied= says 8"),
    "factor": (lambda: make(("A1",), factors={"F": ["A2"]}), "“A2” of the factor F is none"),
    "two factors": (lambda: make(None, factors={"F": ["A1"], "G": ["A1"]}), "A1 is in F, G"),
    "outcome": (lambda: make(overall="A1"), "A1 is an item"),
    "label": (lambda: make(labels={"good": 9}), "“good” is 9"),
    "two meanings": (lambda: make(labels={"x": 5}, blank="x"), "must have one meaning; “x”"),
    "blank level": (
        lambda: make(("A2",), overall="B1", overall_scale=(0, 10), blank=[9]),
        "9 in blank= is a level of “B1” .0 to 10",
    ),
    "two roles": (lambda: make(("A1", "w"), weights="w"), "w is an item and is named in another"),
    "name": (lambda: make(("group",), frame=ANSWERS.assign(group=1)), "Rename it"),
    "unit unnamed": (lambda: make(frame=ANSWERS.assign(unit="x")), 'Write unit="unit", or rename'),
    "unit blank": (lambda: make(frame=ANSWERS.assign(office=None), unit="office"), "6 have none"),
    "unit spelling": (
        lambda: make(frame=ANSWERS.assign(office=[*"xXyyyy"]), unit="office"),
        "“X”, “x” differ in capitals",
    ),
    "groups": (lambda: make(unit="office", group="town"), "“x” has “a”, “b”"),
    "pack items": (lambda: make(None, pack="qd-2640-2017"), "missing: A3, .*Columns left: mood"),
    "pack and scale": (lambda: make(None, pack="uk-mean", scale=(1, 5)), "leave out scale="),
    "pack code": (lambda: make({"mood": "A9"}, pack="qd-2640-2017"), "no code “A9”"),
    "design": (lambda: make(frame=sipas.Design(ANSWERS), weights="w"), "A design already says"),
    "empty part": (lambda: make().subset("w > 9"), "of 6 forms none fulfils it .w > 9"),
    "part of nothing": (lambda: make().subset("offfice == 'x'"), "nearest: office"),
    "long mask": (lambda: make().subset([True] * 9), "one for each of the 6 forms"),
    "role": (lambda: make().assign(unit="z"), "unit is a role of the survey"),
    "weights": (lambda: make(weights="w").assign(w=1), "w is a role of the survey"),
    "rank of the own name": (
        lambda: sipas.rank(sipas.score(make(unit="office"), by="office")),
        'units, “office”, is called unit.*by="unit"',
    ),
    "split by what was removed": (
        lambda: sipas.score(make(frame=ANSWERS.assign(email="a@b.vn")), by="email"),
        "“email” holds personal data and was removed",
    ),
    "split by the word of a role": (
        lambda: sipas.score(make(frame=ANSWERS.assign(date="2024-01-01")), by="date"),
        "“date” was not, because a role has that name",
    ),
    "drivers by what was removed": (
        lambda: sipas.drivers(make(frame=ANSWERS.assign(email="a@b.vn")), by="email"),
        "“email” holds personal data",
    ),
    "personal key": (
        lambda: make(frame=ANSWERS.assign(**{"số điện thoại": "09"}), keys=["số điện thoại"]),
        "keys= names “số điện thoại”",
    ),
    "level": (lambda: make().assign(A1=8), "Answers must be 1 to 5"),
    "other forms": (
        lambda: make().with_design(sipas.Design(ANSWERS.iloc[:3])),
        "must have its 6 forms",
    ),
    "score": (lambda: sipas.score(ANSWERS), r"sipas\.survey\(frame, items=…\)"),
    "drivers": (lambda: sipas.drivers(ANSWERS), r"sipas\.survey\(frame, items=…\)"),
    "key": (lambda: sipas.score(make(frame=ANSWERS.assign(n=1)), "n"), "Rename it"),
    "id": (lambda: make(id="My survey"), "`id`: use only a–z"),
    "twice": (lambda: make(frame=pd.concat([ANSWERS, ANSWERS["w"]], axis=1)), "“w” is there twice"),
}


def _paste_remedy(frame: pd.DataFrame, error: SipasError) -> pd.DataFrame:
    """Return the frame after the assignment that an error proposes was run as it is printed."""
    line = str(error)[str(error).index("frame[") :].removesuffix(".")
    exec(line, {"frame": frame, "pd": pd})
    return frame


def test_the_remedy_of_a_spelling_works_as_it_stands():
    """A blank behind the name is shown, and each unit is written as most forms have it."""
    frame = ANSWERS.assign(office=["So A", "so a ", "So A", "y", "Y", "y"])
    with pytest.raises(SipasError, match="“so a ”") as caught:
        make(frame=frame, unit="office")
    survey = make(frame=_paste_remedy(frame, caught.value), unit="office")
    assert survey.frame["unit"].tolist() == ["So A"] * 3 + ["y"] * 3


def test_a_weight_with_a_decimal_comma_is_named_and_mended():
    """Row and value of each text; the remedy reads the comma."""
    frame = ANSWERS.assign(w=["1", "1,25", "2.5", 1, 2, 3])
    with pytest.raises(SipasError, match=r"1 in w are text .*row 2.*'1,25'") as caught:
        make(frame=frame, weights="w")
    survey = make(frame=_paste_remedy(frame, caught.value), weights="w")
    assert survey.frame["weight"].tolist() == [1, 1.25, 2.5, 1, 2, 3]


def test_mistakes_of_all_kinds_are_told_at_once():
    """Weights, spelling, missing units and answers need one round, not four."""
    frame = ANSWERS.assign(
        A1=[5, 4, 3, 2, 7, 5], w=[1, "1,5", 1, 1, 1, 1], office=["x", "X", "y", "y", None, "y"]
    )
    with pytest.raises(SipasError) as caught:
        make(frame=frame, unit="office", weights="w", overall="B1")
    for part in ("w are text", "“X”, “x” differ", "1 have none", "row 5, column “A1”"):
        assert part in str(caught.value)
    assert "question on the whole (overall=) must be 1 to 5" in str(caught.value)
    assert "overall_scale=" in str(caught.value)
    with pytest.raises(SipasError, match=r"some are blank.*column “A1”"):
        make(frame=frame.assign(town=[*"abab", None, "a"]), strata="town")


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.quick_cases(3)
def test_a_mistake_gets_one_sentence(mistake):
    """It says what must hold, what was found and what to write instead."""
    call, sentence = MISTAKES[mistake]
    with pytest.raises(SipasError, match=f"(?s){sentence}") as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_report_says_how_weights_were_adjusted():
    """Raked weights name their totals, replicates a kind; without a source no item has a mark."""
    survey = make(weights="w")
    known = {"town": {"a": 10, "b": 20}}
    raked = survey.with_design(sipas.rake(survey.design(), known))
    text = sipas.report(raked, "en").chapter("method")._repr_html_()
    assert "add up to known totals (town)" in text
    items = sipas.report(raked, "en").chapter("items")._repr_html_()
    assert "not attributed to the decision" not in items
    made = make(weights="w", replicates="JK1")
    text = sipas.report(made, "en").chapter("method")._repr_html_()
    assert "replicate weights (JK1)" in text


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["raked", "part of raked", "jackknife", "zero weights"])
def test_every_chapter_is_written_for_every_sample(kind, tmp_path):
    """Three units of 60 people in 15 clusters: ranks under other rules, drivers, priorities."""
    rng = np.random.default_rng(4)
    mood = rng.normal(size=180)
    columns = ("A1", "A2", "B1", "B2", "whole")
    forms = pd.DataFrame(
        {name: np.clip(np.round(4 + mood + rng.normal(size=180)), 1, 5) for name in columns}
    )
    forms["office"], forms["place"] = np.arange(180) % 3, np.arange(180) // 12
    forms["sex"], forms["w"] = rng.choice(["f", "m"], 180), rng.uniform(1, 2, 180)
    if kind == "zero weights":
        forms.loc[:9, "w"] = 0.0
    survey = sipas.survey(
        forms,
        factors={"access": ["A1", "A2"], "staff": ["B1", "B2"]},
        overall="whole",
        unit="office",
        weights="w",
        clusters="place",
        replicates="JK1" if kind == "jackknife" else None,
    )
    if "raked" in kind:
        raked = sipas.rake(survey.design(), {"sex": {"f": 150, "m": 120}})
        survey = survey.with_design(raked)
    if "part" in kind:
        survey = survey.subset("sex == 'f'")
    written = sipas.report(survey, "vi").write([], tmp_path)
    assert "tables/robust.csv" in written
    assert len(pd.read_csv(tmp_path / "tables/ranking.csv")) == 3
    assert "Mỗi phiếu coi như được chọn độc lập" not in (
        tmp_path / "province/report.vi.html"
    ).read_text("utf-8")
