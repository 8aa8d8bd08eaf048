"""No hidden number of records is known from all that is published together (P2, P4).

A program of whole numbers bounds every hidden number from the rows that are shown: units, groups,
fields and the whole; or steps, sections and units in them.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

import sipas_analysis as sipas
from sipas_analysis.collect.readings import OTHER
from sipas_analysis.figures.record_closure import Sums
from sipas_analysis.figures.record_suppression import find_merged
from sipas_analysis.figures.record_tables import (
    RecordSource,
    tabulate_channels,
    tabulate_timeliness,
)
from sipas_analysis.figures.step_tables import STEPS, hide_steps, tabulate_steps
from sipas_analysis.records.channels import make_channel_rules, mark_shares
from sipas_analysis.records.steps import measure_steps, time_stays
from sipas_analysis.records.timeliness import SUMS, count_timeliness

SEEDS = range(2)
PLACES = {"all": [], "group": ["group"], "unit": ["group", "unit"], "field": ["field"]}


def find_known(shown, hidden):
    """Return the hidden sums that have one whole value, but for those that a whole says.

    Args:
        shown: Rows as (weights of the numbers, their sum).
        hidden: Rows as (weights, truth).
    """
    if not shown:
        return []
    matrix = np.array([weights for weights, _ in shown])
    totals = np.array([total for _, total in shown])

    def solve(weights):
        found = milp(
            weights,
            integrality=np.ones(weights.size),
            bounds=Bounds(0, 1000),
            constraints=LinearConstraint(matrix, totals, totals),
        )
        return round(found.fun)

    return [
        (place, truth)
        for place, (weights, truth) in enumerate(hidden)
        if weights.any() and solve(weights) == -solve(-weights) == truth
    ]


def list_sums(table, cells, places, columns, base=None):
    """Return what a table shows, and what it hides, as sums of the cells' columns."""
    shown, hidden = [], []
    n_cells, n_parts = len(cells), len(columns)
    for domain, by in places.items():
        rows = table[table["domain"] == domain]
        labels = {name: {*rows[name]} for name in by}
        for _, row in rows.iterrows():
            is_in = np.ones(n_cells, dtype=bool)
            for name in by:
                own = cells[name] == row[name]
                own |= (row[name] == OTHER) & ~cells[name].isin(labels[name])
                is_in &= own
            truths = cells.loc[is_in, [*columns]].sum()
            for at, column in enumerate(columns):
                weights = np.zeros((n_cells, n_parts))
                weights[is_in, at] = 1
                is_hidden = pd.isna(row[column])
                assert is_hidden or row[column] == truths[column]
                if not is_hidden or not is_in.all():  # a group of all units is the whole
                    (hidden if is_hidden else shown).append((weights.ravel(), truths[column]))
            if base:
                weights = np.repeat(is_in, n_parts).astype(float)
                shown.append((weights, truths.sum()))
    return shown, hidden


def restore_keys(table, source):
    """Return a published table with ``field`` and the units as cells have them."""
    codes = {name: code for code, name in source.field_names.items()}
    is_other = (table["domain"] == "unit") & (table["unit"] == "")
    return table.assign(
        field=table["label"].map(codes).fillna(OTHER), unit=table["unit"].mask(is_other, OTHER)
    )


def check_timeliness(source):
    """Every hidden division of a unit, group or field has two values at least."""
    cells = count_timeliness(source.dossiers, ["group", "unit", "field"], period=source.period)
    table = restore_keys(tabulate_timeliness(source), source)
    n_hidden = 0
    for base in ("done", "running"):
        kinds = SUMS[base]
        used = cells[cells[base] > 0]
        for _, row in table[table["domain"].isin(["all", "group"])].iterrows():
            # that a whole has none of a kind is said of its parts: then the kind is left out
            kinds = [kind for kind in kinds if row[kind] != 0 or row[base] == 0]
        if len(kinds) == len(SUMS[base]):
            shown, hidden = list_sums(table, used, PLACES, kinds, base)
            assert not find_known(shown, hidden), base
            n_hidden += len(hidden)
    return n_hidden


def check_channels(source):
    """Every hidden base of a share has two values at least, and what is counted of it."""
    rules = make_channel_rules(())
    marks = mark_shares(source.dossiers, rules, source.period)
    keys = source.dossiers[["group", "unit", "field"]]
    cells = keys.assign(**marks).groupby([*keys], observed=True).sum().reset_index()
    table = restore_keys(tabulate_channels(source), source)
    n_hidden = 0
    for name in rules.shares:
        used = cells[cells[f"{name}_base"] > 0]
        for column in (f"{name}_base", f"{name}_n"):
            shown, hidden = list_sums(table, used, PLACES, [column])
            if column.endswith("_base"):
                assert not find_known(shown, hidden), column
            n_hidden += len(hidden)
    return n_hidden


def make_source(survey, rng):
    """Return few dossiers of few units, some of which have a field of their own."""
    units = survey.units["code"].to_numpy()[rng.permutation(len(survey.units))[:9]]
    n = int(rng.integers(60, 240))
    unit = rng.choice(units, n, p=rng.dirichlet(np.full(9, 0.7)))
    own = pd.Series(unit).map(dict(zip(units, range(9), strict=True))).to_numpy()
    field = np.where(own < 4, own, 10 + rng.integers(0, 3, n)).astype(str)
    day = pd.Timestamp("2021-03-01 08:00")
    kinds = ["early", "on_time", "late", "in_time", "overdue", "waiting", "withdrawn", "refused"]
    statuses = rng.choice(kinds, n, p=[0.3, 0.1, 0.2, 0.15, 0.1, 0.05, 0.05, 0.05])
    dossiers = pd.DataFrame(
        {
            "unit": unit,
            "field": field,
            "field_name": field,
            "status": statuses,
            "channel": rng.choice(["online", "direct", "post"], n),
            "return_channel": rng.choice(["online", "direct", "post"], n),
            "level": rng.choice(["full", "partial", "none"], n, p=[0.1, 0.4, 0.5]),
        }
    ).assign(procedure="p", received=day, submitted=day, days_late=2.0, limit_used=0.5)
    ended = dossiers["status"].isin(["early", "on_time", "late", "withdrawn", "refused"])
    dossiers = dossiers.assign(finished=pd.Series(day, dossiers.index).where(ended))
    dossiers["returned"] = dossiers["finished"]
    return RecordSource(survey, SimpleNamespace(dossiers=dossiers))


@pytest.fixture(scope="module")
def survey():
    """The demo's units and period."""
    return sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))


def check_steps(full, shown_tables):
    """Every row of steps that is left out has two values at least, in each column that adds up."""
    cells, n_hidden = full["unit_section"], 0
    shown_keys = {
        domain: {tuple(row) for row in shown_tables[domain][[*by]].to_numpy()}
        for domain, by in STEPS.items()
    }
    for step, of_step in cells.groupby("step"):
        for column in ("dossiers", "n", "loops"):
            shown, hidden = [], []
            for domain, by in STEPS.items():
                rows = of_step.groupby([*by])[column].sum()
                for named, truth in rows.items():
                    key = named if isinstance(named, tuple) else (named,)
                    is_in = (of_step[[*by]] == list(key)).all(axis=1).to_numpy().astype(float)
                    is_shown = key in shown_keys[domain]
                    (shown if is_shown else hidden).append((is_in, truth))
            wholes = [weights for weights, total in shown if total == 0 and weights.sum() > 1]
            asked = [row for row in hidden if not any((row[0] <= whole).all() for whole in wholes)]
            assert not find_known(shown, asked), (step, column)
            n_hidden += len(hidden)
    return n_hidden


def make_steps(rng):
    """Return the rows of two steps in few sections of few units, as ``measure_steps`` has them."""
    names = [(u, s, c) for u in "abcdef" for s in ("check", "sign") for c in ("A", "B", "C")]
    cells = pd.DataFrame(names, columns=["unit", "step", "section"])
    cells["dossiers"] = rng.choice([0, 1, 2, 3, 6, 9, 20, 40], len(cells))
    cells = cells[(cells["dossiers"] > 0) & ~((cells["section"] == "C") & (cells["unit"] > "b"))]
    cells = cells.assign(
        n=cells["dossiers"] - rng.integers(0, 2, len(cells)), loops=rng.integers(0, 2, len(cells))
    )
    cells = cells.assign(pauses=3, pause_hours=5.0, share_of_limit_percent=9.0)
    whole = dict.fromkeys(("dossiers", "n", "loops", "pauses"), "sum") | {"pause_hours": "mean"}
    return {domain: cells.groupby([*by]).agg(whole).reset_index() for domain, by in STEPS.items()}


@pytest.mark.slow
def test_no_step_that_is_left_out_follows_from_its_sections_and_units():
    """A section is the sum of its units, a step that of its sections; here several are hidden."""
    sources = [make_steps(np.random.default_rng(seed)) for seed in range(2)]
    assert sum(check_steps(full, hide_steps(full, {"f"}, 5)) for full in sources) > 20
    full = sources[0]
    lone = {name: table[table["dossiers"] > 4] for name, table in full.items()}
    with pytest.raises(AssertionError):  # rows of few dossiers alone are not enough
        check_steps(full, lone)


def test_a_unit_with_a_field_of_its_own_is_hidden_with_it():
    """Of four departments three are hidden; the field of one of them would give it back."""
    cells = pd.DataFrame(
        {"group": "g", "unit": [*"abcd"], "field": ["1", "2", "3", "3"], "n": [3, 8, 9, 30]}
    )
    merged = find_merged(cells, PLACES, 5)
    assert merged["unit"] == {*"abcd"}  # d and field 3 together would give back c
    assert merged["field"] == {"1", "2"}
    rows = np.vstack([np.ones(4), np.eye(4), np.eye(4)[1]]).astype(bool)
    sums = Sums(rows, cells[["n"]].to_numpy(), np.array([-1.0, 3, 8, 9, 30, 8]))
    first = np.array([False, True, True, True, False, False])
    assert sums.extend_hiding(first).tolist() == [False, True, True, True, False, True]


def test_a_hidden_number_is_not_known_nearly():
    """Of two hidden units one late dossier is left over: either has one or none; a third hides."""
    late_of = np.array([[3, 1], [4, 0], [6, 5], [9, 9]])  # units by early and late
    rows = np.vstack([np.ones(4), np.eye(4)]).astype(bool)
    order, hidden = np.array([-1.0, 4, 4, 11, 18]), np.array([False, True, True, False, False])
    exactly, nearly = (Sums(rows, late_of, order, fewest=fewest) for fewest in (1, 5))
    assert exactly.extend_hiding(hidden).tolist() == hidden.tolist()
    assert nearly.extend_hiding(hidden).tolist() == [False, True, True, True, False]


@pytest.mark.slow
def test_no_hidden_number_of_the_demo_is_known(survey):
    """The tables of the wave of 2021, and its steps, sections and units' sections."""
    source = RecordSource(survey, sipas.read_records(survey))
    assert check_timeliness(source) > 0
    check_channels(source)
    dossiers = source.counted[["dossier", "unit", "start", "due", "paused_seconds"]]
    stays = time_stays(source.records.movements, dossiers, STEPS["unit_section"])
    full = {domain: measure_steps(stays, dossiers, by) for domain, by in STEPS.items()}
    table = tabulate_steps(source).rename(columns={"label": "step"})
    shown = {domain: table[table["domain"] == domain] for domain in STEPS}
    assert check_steps(full, shown) > 0
    assert {*table.loc[table["domain"] == "step", "dossiers"]} >= {len(source.counted)}


@pytest.mark.slow
def test_no_hidden_number_of_small_waves_is_known(survey):
    """Units with fields of their own, statuses that nobody has, groups of one unit."""
    sources = [make_source(survey, np.random.default_rng(seed)) for seed in SEEDS]
    assert sum(map(check_timeliness, sources)) > 20
    assert sum(map(check_channels, sources)) > 20
