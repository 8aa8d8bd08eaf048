"""Terms of formulas are named for readers."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import SipasError
from sipas_analysis.explain.driver_results import MODELS
from sipas_analysis.explain.term_names import name_term
from sipas_analysis.messages import read_catalogue

NAMES = {"sex": "Sex", "A1": "A1 Waiting room"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Intercept", "Intercept"),
        ("A1", "A1 Waiting room"),
        ("sex[T.f]", "Sex: female"),
        ("C(sex)[T.f]", "Sex: female"),
        ("sex=f", "Sex: female"),
        ("C(Q('nhóm tuổi'))[T.35–59]", "nhóm tuổi: 35–59"),
        ('Q("nhóm tuổi")', "nhóm tuổi"),
        ("nhóm tuổi[T.60:+]", "nhóm tuổi: 60:+"),
        ("C(Q('a:b'))[T.60:+]:C(sex)[T.f]", "a:b: 60:+ × Sex: female"),
        ("C(sex, contr.treatment(base='m'))[T.f]", "Sex: female"),
        ("C(sex)[f]:x:A1", "Sex: female × x × A1 Waiting room"),
        ("C(sex)[T.it's [old]]:x", "Sex: it's [old] × x"),
        ("C(sex, contr.sum)[S.f]", "C(sex, contr.sum)[S.f]"),
        ("np.log(x ** 2)", "np.log(x ** 2)"),
        ("I(x == 1)", "I(x == 1)"),
        ("bs(x, df=4)[1]", "bs(x, df=4)[1]"),
        ("1|2", "cut 1|2"),
        ("np.maximum(x, y | z)", "np.maximum(x, y | z)"),
    ],
)
def test_terms_have_names(code, expected):
    """Variables and levels by name; functions and other codings as the formula has them."""

    def name_variable(key):
        return NAMES.get(key, key)

    def name_level(key, level):
        return {"f": "female"}.get(level, level) if key == "sex" else level

    assert name_term(code, name_variable, name_level, "en") == expected


def test_a_table_of_models_is_read_without_formulas():
    """In Vietnamese: constant, variables with blanks, levels, interactions, references."""
    draw = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "nhóm tuổi": draw.choice(["18–34", "35–59"], 200),
            "giới": draw.choice(["Nam", "Nữ"], 200),
            "y": draw.normal(size=200),
        }
    )
    design = sipas.Design(frame)
    fits = {
        "Mô hình 1": sipas.fit(design, "y ~ C(Q('nhóm tuổi')) * C(giới)"),
        "Mô hình 2": sipas.fit(design, "y ~ `nhóm tuổi` + giới"),
    }
    table = sipas.table(fits)
    for label in (
        *("Hằng số", "nhóm tuổi: 35–59", "giới: Nữ", "nhóm tuổi: 35–59 × giới: Nữ"),
        "nhóm tuổi = 18–34; giới = Nam",
    ):
        assert f"| {label} |" in table.to_markdown(lang="vi"), label
    text = table.to_latex(lang="vi")
    assert not [raw for raw in ("Intercept", "T.", "Q(", "C(") if raw in text]
    values = [fit.frame.set_index("variable")["value"] for fit in fits.values()]
    row = next(line for line in text.splitlines() if line.startswith("giới: Nữ"))
    for value, name in zip(values, ("C(giới)[T.Nữ]", "giới[T.Nữ]"), strict=True):
        assert f"{abs(value[name]):.3f}".replace(".", ",") in row
    assert "| Intercept |" in table.to_markdown()


@pytest.fixture(scope="module")
def small_survey():
    """A frame of forms: two questions, one of them reversed, the whole, and two columns more."""
    draw = np.random.default_rng(4)
    forms = pd.DataFrame(draw.integers(1, 6, (200, 3)), columns=["A1", "A2", "whole"])
    forms = forms.assign(sex=draw.choice(["f", "m"], 200), age=draw.integers(18, 80, 200))
    return sipas.survey(
        forms,
        {"A1": "Enough seats", "A2": {"vi": "Chờ lâu", "en": "I waited long"}},
        overall={"whole": "All in all"},
        reverse=["A2"],
        keys=["sex"],
    )


def test_a_fit_says_what_its_variables_are(small_survey):
    """Wording, the mark of a turned scale, and names of other columns stand in every format."""
    labels = {"age": {"vi": "Tuổi", "en": "Age in years"}, "sex": "Sex", "m": "men"}
    fit = sipas.fit(small_survey, "whole ~ A1 * A2 + C(sex) + age", labels=labels)
    view = " ".join(repr(fit).split())
    assert "linear model of whole (All in all), n = 200" in view
    assert "A2 I waited long (reversed) " in view  # the code can be typed
    assert "C(sex)[T.m] Sex: men " in view
    printed = fit.to_markdown(lang="vi")
    assert "| A2 | Chờ lâu (đã đảo thang) |" in printed
    assert "| Sex: men |  |" in printed
    assert "| Tuổi |  |" in printed
    assert "| A1 × A2 | Enough seats × Chờ lâu (đã đảo thang) |" in printed
    assert fit.frame["variable"].tolist()[3] == "C(sex)[T.m]"  # codes stay in the frame


def test_models_side_by_side_take_labels(small_survey):
    """Of the fits, and of ``table``, which come first; outcome and reference levels, too."""
    fit = sipas.fit(small_survey, "whole ~ A2 + C(sex)", labels={"sex": "Sex", "f": "women"})
    table = sipas.table([fit], labels={"sex": "Gender", "m": "men"})
    lines = [line.split("  ")[0] for line in repr(table).splitlines()]
    assert "A2 I waited long (reversed)" in lines
    assert "Gender: men" in lines
    assert "Gender = women" in repr(table)
    assert "whole: All in all." in repr(table)
    by_sex = sipas.fit(small_survey, "whole ~ A2", by="sex")
    assert "I waited long (reversed)" in repr(by_sex)
    plain = sipas.fit(small_survey.design(), "whole ~ A2", labels=small_survey)
    assert "I waited long (reversed)" in repr(plain)


@pytest.mark.parametrize("labels", [["sex"], {"sex": 1}, {"sex": {"fr": "Sexe"}}])
def test_labels_are_texts_by_code(small_survey, labels):
    """Anything else is refused, not printed."""
    with pytest.raises(SipasError, match=r"labels"):
        sipas.fit(small_survey, "whole ~ A2", labels=labels)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_one_word_for_one_model(small_survey, language):
    """Head, row and sentence of a table, the picture's key and a fit say the same word."""
    word = {"vi": "logit thứ bậc", "en": "ordinal"}[language]
    fit = sipas.fit(small_survey, "whole ~ A1", "ordinal").translate(language)
    assert fit.sentences()[0].split(" of ")[0].split(" của ")[0].find(word) >= 0
    catalogue = read_catalogue(language)
    for message in ("result.word.model.ordinal", "result.word.family.ordinal"):
        assert catalogue[message] == word
    assert catalogue["plot.model.ordinal"].startswith(word)
    assert not any("ordered logit" in text for text in catalogue.values())
    for model, family in MODELS.items():
        words = {
            catalogue[f"result.word.{kind}"] for kind in (f"model.{model}", f"family.{family}")
        }
        assert len(words) == 1


def test_backticks_of_a_formula_reach_no_printed_table():
    """Names with blanks stand between backticks in a formula only; a name may hold brackets."""
    forms = pd.DataFrame(
        {
            "hài lòng": [1.0, 2, 2, 5, 3, 4, 2, 5],
            "Giới tính (1)": ["Nam", "Nữ"] * 4,
            "số lần": [1.0, 2, 3, 4, 2, 3, 1, 5],
        }
    )
    formula = "`hài lòng` ~ C(`Giới tính (1)`) * `số lần`"
    fit = sipas.fit(sipas.Design(forms), formula)
    printed = [fit.to_markdown(lang="vi"), sipas.table([fit], lang="vi").to_markdown()]
    printed += [sipas.table([fit], lang="vi").wide().to_markdown(), fit.to_markdown(lang="en")]
    for text in printed:
        assert "`" not in text
        assert "Giới tính (1): Nữ × số lần" in text
    quoted = sipas.fit(sipas.Design(forms), "Q('hài lòng') ~ C(`Giới tính (1)`)")
    text = "\n".join([*quoted.sentences(), sipas.table([quoted]).to_markdown()])
    assert "hài lòng" in text
    assert "Q(" not in text


def test_the_kind_of_a_model_has_a_heading_of_its_own():
    """Not that of numbers of comparisons, which have a column of the same name."""
    forms = pd.DataFrame({"y": [1.0, 2, 2, 5], "a": [0.0, 1, 2, 3]})
    wide = sipas.table([sipas.fit(sipas.Design(forms), "y ~ a")]).wide().to_markdown(lang="vi")
    assert "Loại mô hình" in wide
    assert "Số so sánh" not in wide


def test_the_reason_for_no_model_is_in_the_language_shown():
    """The frame keeps English; a Vietnamese table says it in Vietnamese."""
    forms = pd.DataFrame(
        {"y": [1.0, 2, 2, 5, 3, 3, 3, 3], "a": [0.0, 1, 2, 3] * 2, "g": list("mmmmffff")}
    )
    fits = sipas.fit(sipas.Design(forms), "y ~ a", by="g")
    reason = next(filter(None, fits.frame["reason"]))
    assert reason in fits.wide().to_markdown()
    shown = fits.wide().to_markdown(lang="vi")
    assert reason not in shown
    assert fits.reasons[reason].vi in shown
