"""Whether the survey reached vulnerable groups: their share among clients and among forms (T8).

Clients are counted in the dossiers, all of them: their share has no sampling error. Forms are a
sample: their share has an interval by its design. A person may be of several groups.
"""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from sipas_analysis.collect.readings import OTHER, OTHER_NAMES, find_choice
from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.shares import proportion
from sipas_analysis.records.channels import Period, mark_received
from sipas_analysis.records.columns import read_export_words

LEVEL = 0.95
MANY = ";"  # between the groups of one person
SHOWN_OF_FORMS = ("forms_n", "forms_percent", "forms_percent_low", "forms_percent_high")
GAP = ("gap_points", "gap_points_low", "gap_points_high")
SHOWN_OF_CLIENTS = ("clients_n", "clients_percent", "expected_percent")
COLUMNS = (
    *("code", "clients_n", "clients_base", "clients_percent", "expected_percent"),
    *("forms_n", "forms_base", *SHOWN_OF_FORMS[1:], *GAP, "verdict"),
)


def measure_coverage(
    survey: Survey, dossiers: pd.DataFrame, *, period: Period, hidden: Collection[str] = ()
) -> pd.DataFrame:
    """Compare the share of each vulnerable group among forms with that among clients.

    clients_percent = 100 · dossiers of the group / dossiers received in the period, of units with
    forms. Units have more forms than their part of the clients, or fewer; so forms are compared
    with expected_percent = Σ wᵤ·pᵤ / Σ wᵤ: pᵤ the share among the clients of unit u, wᵤ the sum of
    the weights of its forms. gap_points = forms_percent − expected_percent.

    The interval of forms_percent (I1, by the design of the sample) is at 1 − 0.05/k for k groups,
    so that all hold together with 95 %. Verdicts: ``less`` or ``more`` where the expected share
    lies outside, ``cannot_tell`` where it lies inside or the sample has no error; ``not_asked``
    where the wave has no question on these groups, ``not_recorded`` where no dossier names the
    group.

    A unit of which no dossier names a group does not record groups: it and its forms are left out.
    In the others a dossier without a group is one of none of them. So is a form without an answer,
    where no form of the wave says *none* (one cell for all groups, left empty); else it is not
    counted.

    Args:
        survey: Validated forms.
        dossiers: Dossiers with ``groups`` (codes parted by ``;``), ``unit``, ``received`` and
            ``status``.
        period: First and last day.
        hidden: Groups whose people are not published (P2).

    Returns:
        One row per group of the question but *other*: ``code``, the counts, shares in percent,
        their interval, ``verdict``. Fewer than ``min_cell`` forms or dossiers of a group are
        blank.

    Source: rules T8, I1, V1 and P2 in docs/method.md; the weights of units are ours.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> units = survey.units["code"].repeat(20)
        >>> clients = pd.DataFrame({"unit": units, "received": pd.Timestamp("2021-06-01")})
        >>> clients["status"] = "on_time"
        >>> clients["groups"] = ["HN", "HN;NCC", "HN", *[""] * 17] * 29
        >>> from datetime import date
        >>> year = date(2021, 1, 1), date(2021, 12, 31)
        >>> measure_coverage(survey, clients, period=year)["verdict"].tolist()[:2]
        ['cannot_tell', 'less']
    """
    clients = dossiers[mark_received(dossiers, period)]
    recording = clients.loc[clients["groups"].ne(""), "unit"].unique()
    clients = clients[clients["unit"].isin(survey.frame["unit"]) & clients["unit"].isin(recording)]
    named = _list_named(clients["groups"])
    question = find_group_question(survey, named)
    groups = _list_groups(survey, question, named)
    table = pd.DataFrame(np.nan, range(len(groups)), COLUMNS[1:-1])
    shares = _mark_groups(clients["groups"], groups)
    if named:
        table["clients_n"], table["clients_base"] = shares.sum(axis=0), len(clients)
        table["clients_percent"] = 100 * shares.mean(axis=0)
    if question:
        units = clients["unit"].astype(str)
        shares_by_unit = pd.DataFrame(shares, units.index).groupby(units).mean()
        table = _add_forms(table, survey, question, groups, shares_by_unit)
    table.insert(0, "code", groups)
    table["verdict"] = _judge_groups(table, is_asked=bool(question))
    return _hide_few(table, survey.wave.min_cell, hidden)


def find_group_question(survey: Survey, named: Sequence[str] = ()) -> str:
    """Return the question of the forms on vulnerable groups; empty if the wave does not ask.

    It is a question on the person with several choices; of more than one, that which has the most
    groups that the dossiers name.
    """
    questions = survey.instrument.indicators
    asked = [
        code
        for code, question in questions.items()
        if code in survey.keys and question.kind == "many" and question.group == "profile"
    ]
    known = {*read_export_words().words["groups"], *named}
    shared = {code: len(known.intersection(questions[code].levels)) for code in asked}
    best = max(shared, key=shared.__getitem__, default="")
    return best if shared.get(best) else ""


def _list_named(groups: "pd.Series[str]") -> list[str]:
    """Return the codes of groups that dossiers name."""
    distinct = groups.astype(str).unique()
    return sorted({code for text in distinct for code in text.split(MANY)} - {""})


def _list_groups(survey: Survey, question: str, named: Sequence[str]) -> list[str]:
    """Return the groups to be compared: those of the question, else of the dossiers."""
    if not question:
        words = read_export_words().words["groups"]
        return [code for code in named if not {*OTHER_NAMES}.intersection(words.get(code, ()))]
    indicator = survey.instrument.indicators[question]
    return [code for code in indicator.levels if code != find_choice(indicator, OTHER)]


def _mark_groups(texts: "pd.Series[str]", groups: Sequence[str]) -> Floats:
    """Return 1 where a text names a group, shape (n, k)."""
    number, distinct = pd.factorize(texts.astype(str))
    marks = [[code in str(text).split(MANY) for code in groups] for text in distinct]
    return np.asarray(marks, dtype=float).reshape(len(distinct), len(groups))[number]


def _add_forms(
    table: pd.DataFrame,
    survey: Survey,
    question: str,
    groups: Sequence[str],
    clients: pd.DataFrame,
) -> pd.DataFrame:
    """Return the table with the shares of forms, their intervals, and the shares expected.

    Args:
        table: One row per group.
        survey: Validated forms.
        question: Code of the question.
        groups: Codes of the k groups.
        clients: Share of each group among the clients of each unit, shape (units, k); without
            units the forms of all units are counted.
    """
    answers, units = survey.frame[question], survey.frame["unit"].astype(str)
    is_used = units.isin(clients.index) if len(clients) else units.notna()
    if answers.eq("").any():
        is_used &= answers.notna()
    marks = _mark_groups(answers.fillna(""), groups)
    marks[~is_used.to_numpy()] = np.nan
    names = [f"group:{code}" for code in groups]
    design = survey.assign(**dict(zip(names, marks.T, strict=True))).design()
    shares = proportion(design, names, level=1 - (1 - LEVEL) / len(names)).frame
    table["forms_n"], table["forms_base"] = np.nansum(marks, axis=0), float(is_used.sum())
    ends = {"percent": "value", "percent_low": "low", "percent_high": "high"}
    for column, name in ends.items():
        table[f"forms_{column}"] = 100 * shares[name].to_numpy(dtype=float)
    if len(clients):
        is_member = design.frame[names[0]].notna().to_numpy()
        rows = clients.loc[design.frame["unit"].astype(str)[is_member]].to_numpy()
        expected = 100 * np.average(rows, axis=0, weights=design.weight[is_member])
        table["expected_percent"] = expected
        for gap, column in zip(GAP, ends, strict=True):
            table[gap] = table[f"forms_{column}"] - expected
    return table


def _judge_groups(table: pd.DataFrame, *, is_asked: bool) -> "pd.Series[str]":
    """Return whether each group was reached less or more than expected, or why nobody can tell."""
    if not is_asked:
        return pd.Series("not_asked", table.index)
    is_known = table["clients_n"] > 0
    less, more = table["gap_points_high"] < 0, table["gap_points_low"] > 0
    words = ["not_recorded", "less", "more"]
    return pd.Series(np.select([~is_known, less, more], words, "cannot_tell"), table.index)


def _hide_few(table: pd.DataFrame, min_cell: int, hidden: Collection[str]) -> pd.DataFrame:
    """Return the table without the numbers of groups of few forms or few dossiers."""
    table = table.copy()
    for name, columns in (("clients", SHOWN_OF_CLIENTS), ("forms", SHOWN_OF_FORMS)):
        n, base = table[f"{name}_n"], table[f"{name}_base"]
        is_few = n.lt(min_cell) & (n.gt(0) | (name == "clients")) | (base < min_cell)
        is_few |= table["code"].isin(hidden) & (name == "forms")
        table.loc[is_few, [*columns, *GAP]] = np.nan
    return table
