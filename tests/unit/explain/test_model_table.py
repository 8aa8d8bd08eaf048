"""Models side by side: every number is that of a fit, in its place."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

import sipas_analysis as sipas
from sipas_analysis.documents.model import render_text
from sipas_analysis.documents.table_cells import Measured, Range
from sipas_analysis.errors import FitError, ParameterError


@pytest.fixture(scope="module")
def fits():
    """A fit of each family on a made sample, of groups, and one under replicate weights."""
    draw = np.random.default_rng(5)
    kind, x = np.repeat(list("EHM"), 40), draw.normal(size=120)
    y = x + (kind == "E") + draw.normal(size=120)
    frame = pd.DataFrame(
        {
            "kind": kind,
            "town": np.arange(120) // 4,
            "w": draw.uniform(1, 3, 120),
            "x": x,
            "y": y,
            "yes": (y > 0).astype(int),
            "grade": np.digitize(y, [-0.5, 0.7]),
            "count": draw.poisson(np.exp(x / 3)),
        }
    )
    sample = sipas.Design(frame, weights="w", strata="kind", clusters="town")
    twice = sipas.Design(frame, weights="w", strata="kind", clusters="town", replicates="JKn")
    return {
        "short": sipas.fit(sample, "y ~ x"),
        "long": sipas.fit(sample, "y ~ kind + x"),
        "logit": sipas.fit(sample, "yes ~ x", "binomial"),
        "ordered": sipas.fit(sample, "grade ~ x", "ordinal"),
        "counts": sipas.fit(sample, "count ~ x + kind", "poisson"),
        "answers": sipas.fit(sample, "kind ~ x", "multinomial"),
        "again": sipas.fit(twice, "y ~ x"),
    }


def list_rows(table, language="en"):
    """Return the printed rows by label, and each model's cells."""
    (printed,) = table.translate(language).make_tables()
    return [[render_text(cell, language) for cell in row] for row in printed.rows]


def test_every_number_is_that_of_the_fit(fits):
    """Coefficient, error, p, n, R² and degrees of freedom, of every family."""
    table = sipas.table(fits)
    assert list(table.models["model"]) == list(fits)
    for name, fit in fits.items():
        rows = table.frame[table.frame["model"] == name].reset_index(drop=True)
        columns = [
            c
            for c in ("answer", "variable", "value", "se", "low", "high", "df", "p")
            if c in fit.frame
        ]
        pd.testing.assert_frame_equal(rows[columns], fit.frame[columns], check_dtype=False)
        facts = table.models.set_index("model").loc[name]
        assert facts["n"] == fit.n
        shown = "r_squared" if fit.family == "gaussian" else "pseudo_r_squared"
        assert facts[shown] == fit.r_squared
        assert facts["family"] == fit.family
        assert (facts["strata"], facts["clusters"], facts["weights"]) == (3, 30, "w")
        assert facts["df"] == fit.frame["df"].min()
    assert table.models["replicates"].tolist()[:-1] == pytest.approx([np.nan] * 6, nan_ok=True)
    assert table.models["replicates"].iloc[-1] == 30


def test_terms_stand_in_order_of_first_appearance(fits):
    """A term that a model lacks is blank; the error stands below, in parentheses."""
    table = sipas.table([fits["short"], fits["long"]], ["A", "B"])
    rows = list_rows(table)
    assert [row[0] for row in rows if row[0]][:4] == ["Intercept", "x", "kind: H", "kind: M"]
    by_term = {row[0]: (row, below) for row, below in pairwise([*rows, [""]]) if row[0]}
    for term, label in (("Intercept", "Intercept"), ("x", "x"), ("kind[T.H]", "kind: H")):
        for at, name in enumerate(("short", "long"), 1):
            frame = fits[name].frame.set_index("variable")
            row, below = by_term[label]
            if term not in frame.index:
                assert (row[at], below[at]) == ("", "")
                continue
            value, se = frame.loc[term, ["value", "se"]]
            assert row[at] == Measured(value, 3).text("en")
            assert below[at] == f"({Measured(se, 3).text('en')})"
    assert by_term["Reference"][0][1:] == ["", "kind = E"]


def test_intervals_and_stars_only_if_wanted(fits):
    """Stars by p; the note says what they mean."""
    plain = sipas.table(fits).to_markdown()
    assert r"\*" not in plain
    table = sipas.table([fits["long"]], stars=True, statistic="interval", lang="vi")
    frame = fits["long"].frame
    rows = list_rows(table, "vi")
    for at, (_, fitted) in enumerate(frame.iterrows()):
        stars = (
            "***"
            if fitted["p"] < 0.001
            else "**"
            if fitted["p"] < 0.01
            else "*"
            if fitted["p"] < 0.05
            else ""
        )
        assert rows[2 * at][1] == Measured(fitted["value"], 3).text("vi") + stars
        ends = Range(Measured(fitted["low"], 3), Measured(fitted["high"], 3))
        assert rows[2 * at + 1][1] == ends.text("vi")
    assert "p < 0,001" in table.make_tables()[0].notes[0].text("vi")
    assert "&lt; 0,001" in table.to_markdown()
    assert "| Loại mô hình | tuyến tính |" in table.to_markdown()


@pytest.mark.slow
def test_groups_and_drivers_give_a_model_each(fits):
    """Named by their keys; the wording of a factor stands beside its code."""
    design = fits["short"].design
    groups = sipas.fit(design, "y ~ x", by="kind")
    assert sipas.table(groups).models["model"].tolist() == ["E", "H", "M"]
    assert sipas.table({"a": groups, "b": fits["short"]}).models["model"].tolist() == [
        *("a E", "a H", "a M", "b"),
    ]
    survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
    drivers = sipas.drivers(survey, ["linear", "logit"])
    table = sipas.table(drivers)
    assert table.models["model"].tolist() == ["linear", "logit"]
    assert any(row[0] == "access Access to services" for row in list_rows(table))
    for model in ("linear", "logit"):
        got = table.frame[table.frame["model"] == model]["value"].to_numpy()
        np.testing.assert_array_equal(got, drivers.fits[model].frame["value"])


@pytest.mark.slow
def test_what_standardised_coefficients_are_measured_in(fits):
    """A model of drivers says so, in both languages; one of variables as they are does not."""
    survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
    drivers = sipas.drivers(survey, ["linear", "ordinal"])
    table = sipas.table({"all": drivers, "one": fits["short"]})
    assert table.standardised == {"all linear": "linear", "all ordinal": "ordinal"}
    vi = table.to_markdown(lang="vi")
    assert vi.splitlines()[0] == "| Biến | all tuyến tính | all logit thứ bậc | one |"
    assert "all tuyến tính: hệ số là số độ lệch chuẩn của kết quả khi yếu tố tăng" in vi
    assert "all logit thứ bậc: hệ số là logarit tỷ số chênh khi yếu tố tăng" in vi
    assert "all linear: standard deviations of the outcome per standard deviation" in repr(table)
    assert "log odds" not in repr(sipas.table(fits))
    only = sipas.drivers(survey, ["linear"]).sentences()
    assert any("per standard deviation of the factor" in text for text in only)
    assert not any("log odds" in text for text in only)
    assert any("per level of the factor" in text for text in only)


@pytest.mark.slow
def test_the_units_of_the_drivers_are_what_the_sentences_say():
    """A fit of variables divided by their deviations gives the linear value; raw is per level."""
    survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
    linear = sipas.drivers(survey, ["linear", "logit"]).frame.set_index(["model", "variable"])
    for model in ("linear", "logit"):
        rows = linear.loc[model]
        per_level = np.log(rows["odds_ratio"]) if model == "logit" else rows["raw"]
        assert per_level.to_numpy() == pytest.approx(rows["raw"].to_numpy())
        assert not np.allclose(rows["raw"], rows["value"])


def test_names_are_different(fits):
    """Two fits of one outcome have a number; groups of the same key, too."""
    both = sipas.table([fits["short"], fits["long"]]).models["model"].tolist()
    assert both == ["(1) y", "(2) y"]
    groups = sipas.fit(fits["short"].design, "y ~ x", by="kind")
    assert len({*sipas.table([groups, groups]).models["model"]}) == 6


def test_a_workbook_holds_exact_coefficients(fits, tmp_path):
    """With parentheses and stars as number formats, so that Excel can compute."""
    path = sipas.table([fits["long"]], stars=True).to_excel(tmp_path / "a.xlsx")
    sheet = load_workbook(path).worksheets[0]
    frame = fits["long"].frame
    values = [sheet.cell(2 + 2 * at, 2) for at in range(len(frame))]
    errors = [sheet.cell(3 + 2 * at, 2) for at in range(len(frame))]
    assert [cell.value for cell in values] == pytest.approx(frame["value"].tolist(), rel=1e-15)
    assert [cell.value for cell in errors] == pytest.approx(frame["se"].tolist(), rel=1e-15)
    assert errors[0].number_format == '"("#,##0.000")"'
    assert any('"***"' in cell.number_format for cell in values)


def test_what_cannot_be_set_side_by_side_is_refused(fits):
    """No model, too few names, twice a name, another thing."""
    with pytest.raises(FitError, match="at least one model"):
        sipas.table([])
    with pytest.raises(FitError, match="2 models and 1 names"):
        sipas.table([fits["short"], fits["long"]], ["A"])
    with pytest.raises(FitError, match="stands twice"):
        sipas.table([fits["short"], fits["long"]], ["A", "A"])
    with pytest.raises(ParameterError):
        sipas.table([fits["short"], 3])
    with pytest.raises(ParameterError):
        sipas.table(fits, statistic="t")


def test_wide_shows_both_tables(fits):
    """All columns of coefficients and models."""
    text = repr(sipas.table(fits).wide())
    assert re.search(r"^model +answer +variable +value +se +low +high +df +p", text)
    assert "pseudo_r_squared" in text
