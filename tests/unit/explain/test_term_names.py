"""Terms of formulas are named for readers."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.explain.term_names import name_term

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
        ("1|2", "1|2"),
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
