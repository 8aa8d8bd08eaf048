"""Indices of one province side by side: parts add up, and what is not known is said."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.collect.other_indices import OtherIndex
from sipas_analysis.errors import ConfigError
from sipas_analysis.instrument.strict_yaml import Bilingual, check_model
from sipas_analysis.measure.reconciliation import reconcile
from sipas_analysis.records.service_score import SCORE_COLUMNS, ServiceScore
from sipas_analysis.reports.reconcile_output import describe_reconciliation

MINISTRY = {"kind": "sipas", "name": Bilingual(vi="Bộ", en="Ministry"), "value": 89.81}
PORTAL = {"kind": "service", "name": Bilingual(vi="Cổng", en="Portal"), "value": 69.63}


def with_others(survey, *others):
    indices = tuple(OtherIndex(**other) for other in others)
    wave = survey.wave.model_copy(update={"other_indices": indices})
    return replace(survey, wave=wave)


@pytest.fixture(scope="module")
def survey():
    return sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))


def find_index(survey):
    return sipas.score(survey).select(variable="overall").frame["value"].iloc[0]


@pytest.fixture
def scored(monkeypatch):
    """Two parts that are known: 20 points at 90 %, 6 points with all of them from 90 % up."""
    rows = [
        ("progress", "on-time", "a", 100, 90.0, 100.0, 20.0, 18.0, "unverified"),
        ("satisfaction", "reception", "b", 100, 95.0, 90.0, 6.0, 6.0, "unverified"),
        ("digitisation", "digitised", "", np.nan, np.nan, 80.0, 74.0, np.nan, "unverified"),
    ]
    service = ServiceScore(pd.DataFrame(rows, columns=[*SCORE_COLUMNS]))
    monkeypatch.setattr(
        "sipas_analysis.measure.reconciliation.score_service", lambda records: service
    )
    return service


class Records:
    day = pd.Timestamp("2021-03-01")
    dossiers = pd.DataFrame(
        {"received": day, "finished": day, "status": ["early"] * 99 + ["refused"]}
    )
    period = (date(2021, 1, 1), date(2021, 12, 31))


@pytest.mark.slow
def test_the_parts_of_decision_766_are_those_worked_by_hand(survey, scored):
    result = reconcile(with_others(survey), Records())
    own = find_index(survey)
    assert scored.percent == pytest.approx(100 * 24 / 26)
    assert (scored.low, scored.high) == (24, 98)
    assert result.frame["n"].tolist()[1] == 99  # refused dossiers are not received
    parts = result.parts.set_index("part")["points"]
    assert parts["progress"] == pytest.approx(20 / 26 * (90 - own))
    assert parts["satisfaction"] == pytest.approx(6 / 26 * (95 - own))
    assert parts["full_points"] == pytest.approx(6 / 26 * 5)
    assert parts.sum() == pytest.approx(scored.percent - own)


def test_the_computed_parts_of_each_index_add_up_to_its_difference(survey, scored):
    days = {"from": date(2019, 1, 1), "to": date(2019, 12, 31)}
    others = ({**MINISTRY, **days}, {**PORTAL, "to": date(2023, 5, 31)})
    result = reconcile(with_others(survey, *others), Records())
    values = result.frame.set_index("index")["value"]
    computed = result.parts[result.parts["how"] == "computed"].groupby("index")["points"].sum()
    for index, points in computed.items():
        assert points == pytest.approx(values[index] - values["own"])
    ministry = result.parts[result.parts["index"] == "other-1"].set_index("part")
    own = result.frame.iloc[0]
    ends = ministry.loc["chance", ["low", "high"]].tolist()  # where the truth may lie, from ours
    assert ends == pytest.approx([own["low"] - own["value"], own["high"] - own["value"]])
    assert ministry.loc["period", "how"] == "unknown"  # no wave of ours is of 2019
    assert ministry.loc["rule", "low"] <= 0 <= ministry.loc["rule", "high"]


@pytest.mark.slow
def test_a_wave_of_the_same_year_tells_what_the_period_explains(survey):
    before = sipas.read_survey(sipas.read_wave("data/an-giang-2020/wave.yaml"))
    others = with_others(survey, {**MINISTRY, "to": date(2020, 12, 31)})
    parts = reconcile(others, earlier=[before]).parts.set_index("part")
    index = [find_index(before), find_index(survey)]
    assert parts.loc["period", "points"] == pytest.approx(index[0] - index[1])
    assert parts.loc["rest", "points"] == pytest.approx(89.81 - index[0])


def test_without_records_and_other_indices_there_is_our_index_alone(survey):
    result = reconcile(with_others(survey))
    assert result.frame["index"].tolist() == ["own"]
    assert result.parts.empty
    assert result.service is None


@pytest.mark.parametrize("language", ["vi", "en"])
def test_what_is_printed_says_whom_each_index_is_about(survey, scored, language):
    shown = with_others(survey, {**PORTAL, "to": date(2023, 5, 31)})
    lines = [*describe_reconciliation(reconcile(shown, Records()), shown, language)]
    sentences = " ".join(text for text, table in lines if table is None)
    assert {"vi": "chưa đối chiếu nguồn", "en": "not"}[language] in sentences
    assert {"vi": "không nêu", "en": "not stated"}[language] in sentences
    tables = " ".join(table.to_string() for _, table in lines if table is not None)
    assert {"vi": "69,63", "en": "69.63"}[language] in tables


@pytest.mark.parametrize("days", [{}, {"from": date(2022, 1, 1), "to": date(2021, 1, 1)}])
def test_an_index_without_its_period_is_refused(days):
    with pytest.raises(ConfigError):
        check_model({**MINISTRY, **days}, OtherIndex)
