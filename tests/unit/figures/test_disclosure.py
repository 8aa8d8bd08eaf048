"""An attacker of its own reads the published scores and bounds every hidden figure (P2, P4, P5)."""

import random
from itertools import product

import numpy as np
import pytest
from conftest import PACK
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from sipas_analysis.figures.disclosure import Audit
from sipas_analysis.figures.disclosure_cells import describe_bases, describe_cells
from sipas_analysis.figures.disclosure_exchanges import SIGNS, Exchanges, Reach
from sipas_analysis.figures.disclosure_programs import Problem
from sipas_analysis.figures.disclosure_walks import Walk
from sipas_analysis.figures.published import Figures
from sipas_analysis.figures.suppression import Suppression, mark_small
from sipas_analysis.figures.wave_tables import WaveTables

FACTORS = {"access": ["A1", "A2", "A3"], "results": ["D1", "D2", "D3"]}
ITEMS = [item for items in FACTORS.values() for item in items]
WHOLES = {**FACTORS, "overall": [*FACTORS]}
CONTENT = "comprehensive"
MIN_CELL, MOST = 5, 10_000
MIXED = [f"{a},{b},{a},{b},{a},{c}" for a in (3, 4, 5) for b in (2, 4, 5) for c in (1, 4, 5)]
LARGE_PACK = PACK.replace(
    "  D1:",
    "  A3: {factor: access, vi: Ba, en: Three}\n"
    "  D2: {factor: results, vi: Bốn, en: Four}\n"
    "  D3: {factor: results, vi: Năm, en: Five}\n"
    "  D1:",
)


def draw_wave(seed):
    """Draw four to eight units in two groups: some tiny, some items that few answered."""
    draw = random.Random(seed)
    n_units = 3 + seed // 5
    units, forms = ["code,name_vi,group"], ["unit," + ",".join(ITEMS)]
    for unit in range(n_units):
        units.append(f"u-{unit},Đơn vị {unit},{draw.choice(['departments', 'districts'])}")
        size, best = draw.choice([3, 12, 25, 30, 40, 50]), draw.choice([3, 4, 5])
        rare = draw.choice([*ITEMS, "", ""])
        for form in range(size):
            levels = {item: str(draw.randint(best - 1, 5)) for item in ITEMS}
            if rare and form >= 3:
                levels[rare] = ""
            forms.append(f"u-{unit}," + ",".join(levels.values()))
    return "\n".join(forms) + "\n", "\n".join(units) + "\n"


class Attacker:
    """Know the shown numbers of a table of scores, and what numbers of people must obey.

    This attacker also knows how many people gave each answer, which a hidden figure does not print.
    """

    def __init__(self, survey):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "sipas_analysis.figures.wave_tables.suppress_figures",
                lambda table, _: Suppression(table, table["flag"].eq(""), table["flag"].eq("")),
            )
            self.truth = Figures(survey).scores  # nothing hidden
        scores = Figures(survey).scores
        scores["denominator"] = self.truth["denominator"]
        names = [*ITEMS, *WHOLES, CONTENT]
        table = scores[scores["variable"].isin(names)].reset_index(drop=True)
        rows = table[["domain", "group", "unit", "variable"]].itertuples(index=False, name=None)
        self.at = {key: row for row, key in enumerate(rows)}
        self.table, self.rows, self.lows, self.highs = table, [], [], []
        satisfied, answers = (
            table["numerator"].mask(table["n_valid"].eq(0), 0),
            table["denominator"],
        )
        n = len(table)  # unknown: satisfied people of each row, then answers of each row
        self.low, self.high = (
            np.concatenate([satisfied.fillna(end), answers.fillna(end)]) for end in (0, MOST)
        )
        for key, row in self.at.items():
            self._add({row: 1, row + n: -1}, -np.inf, 0)  # satisfied <= answers
            domain, group, unit, variable = key
            below = {"all": "group", "group": "unit"}.get(domain)
            if below:
                parts = [k for k in self.at if k[0] == below and k[3] == variable]
                self._add_sum(key, [k for k in parts if domain == "all" or k[1] == group])
            if variable in WHOLES:
                self._add_sum(key, [(domain, group, unit, part) for part in WHOLES[variable]])
            if variable in ITEMS:  # people satisfied with all are satisfied, or did not answer
                all_items = self.at[domain, group, unit, CONTENT]
                ends = {all_items: 1, row: -1, all_items + n: -1, row + n: 1}
                self._add(ends, -np.inf, 0)

        self.rules = LinearConstraint(csr_array(np.array(self.rows)), self.lows, self.highs)

    def _add(self, terms, low, high):
        row = np.zeros(2 * len(self.table))
        row[list(terms)] = list(terms.values())
        self.rows.append(row)
        self.lows.append(low)
        self.highs.append(high)

    def _add_sum(self, whole, parts):
        for offset in (0, len(self.table)):
            parts_at = {self.at[part] + offset: 1 for part in parts}
            self._add({**parts_at, self.at[whole] + offset: -1}, 0, 0)

    def bound(self, key, known=()):
        """Return the least and the most satisfied people that a row may have."""
        low, high, n = self.low.copy(), self.high.copy(), len(self.table)
        for row, satisfied, answers in known:
            low[row] = high[row] = satisfied
            low[row + n] = high[row + n] = answers
        ends = []
        for sign in (1, -1):
            aim = np.zeros(2 * n)
            aim[self.at[key]] = sign
            found = milp(
                aim, integrality=np.ones(2 * n), bounds=Bounds(low, high), constraints=self.rules
            )
            ends.append(abs(found.fun))
        return ends


def attack(survey):
    """Return the hidden figures that are bounded closer than the rule, and how many are hidden."""
    attacker = Attacker(survey)
    truth = attacker.truth.set_index(["domain", "group", "unit", "variable"])
    hidden = [
        key
        for key, row in attacker.at.items()
        if attacker.table.loc[row, "flag"] == "suppress" and attacker.table.loc[row, "n_valid"] != 0
    ]
    close = []
    for key in hidden:
        low, high = attacker.bound(key)
        if high - low < min(MIN_CELL, truth.loc[key, "denominator"]):
            close.append((key, low, high))
    for unit in {key[2] for key in hidden} - {""}:  # a partner subtracts its own forms
        own = [
            (row, *truth.loc[key, ["numerator", "denominator"]])
            for key, row in attacker.at.items()
            if key[2] == unit
        ]
        for key in hidden:
            base = truth.loc[key]
            if key[3] in ITEMS and key[2] not in ("", unit) and base["n_valid"] < MIN_CELL:
                low, high = attacker.bound(key, own)
                if high - low < min(MIN_CELL, base["denominator"]):
                    close.append((key, unit, low, high))
    return close, len(hidden)


# The waves have a unit more for every fifth seed: one of each size in CI, all in `make test-full`.
@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(k, marks=() if k == 0 else pytest.mark.full if k % 5 else pytest.mark.slow)
        for k in range(30)
    ],
)
@pytest.mark.slow
def test_no_hidden_figure_is_known_closer_than_the_rule(read_answers, seed):
    """Neither an outsider nor a unit that knows its own forms comes close to a hidden figure."""
    answers, units = draw_wave(seed)
    close, _ = attack(read_answers(answers, units=units, pack=LARGE_PACK))
    assert close == []


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_three_people_of_a_unit_where_all_are_satisfied_stay_unknown(read_answers, monkeypatch):
    """Everything at 100 % would tell what three people answered; without the audit it does."""
    few = ["u-0,5,5,5,5,5,5"] * 3 + ["u-0,5,,5,5,5,5"] * 17
    many = [f"u-{unit},{form}" for unit in (1, 2, 3) for form in MIXED]
    answers = "\n".join(["unit," + ",".join(ITEMS), *few, *many]) + "\n"
    units = "code,name_vi,group\n" + "".join(f"u-{k},Sở {k},departments\n" for k in range(4))
    copies = {"keep": "answers.csv", "because": "planted"}
    survey = read_answers(answers, units=units, pack=LARGE_PACK, duplicates=copies)
    few_people = ("unit", "departments", "u-0", "A2")
    assert Attacker(survey).bound(few_people)[0] == 0
    monkeypatch.setattr(Audit, "hide_exposed", lambda _, hidden, __: hidden)
    assert Attacker(survey).bound(few_people)[0] == 3


def write_kind(kind, n_units=4):
    """Return answers and units of a kind of wave that gave a hidden figure away.

    ``factor``: 100 % of a factor of which few answered one item; ``all``: everybody satisfied with
    everything; ``single``: a unit of one form; ``ten``: few enough for a threshold of ten.
    """
    few = {"factor": 3, "all": 4, "single": 20, "ten": 8}[kind]
    n_first = 1 if kind == "single" else 20
    first = ["u-0,5,5,5,5,5,5"] * min(few, n_first) + ["u-0,5,,5,5,5,5"] * (n_first - few)
    if kind == "factor":
        first = [
            form.replace("5,5,5", "4,5,3") if at % 2 else form for at, form in enumerate(first)
        ]
        first = [
            form.replace("4,5,3,", "5,5,5,").replace("5,5,5,5,5,5", "5,5,5,3,5,4") for form in first
        ]
    others = [f"u-{unit},{form}" for unit in range(1, n_units) for form in MIXED]
    units = "code,name_vi,group\n"
    units += "".join(f"u-{k},Sở {k},departments\n" for k in range(n_units))
    return "\n".join(["unit," + ",".join(ITEMS), *first, *others]) + "\n", units


@pytest.mark.slow  # the figures of whole waves are computed and audited
@pytest.mark.parametrize("kind", ["factor", "all", "single", "ten"])
def test_kinds_of_waves_that_gave_a_hidden_figure_away(read_answers, kind):
    """No hidden figure is bounded too closely, nor is the number of forms of a hidden unit told."""
    answers, units = write_kind(kind)
    facts = {"min_cell": 10} if kind == "ten" else {}
    copies = {"keep": "answers.csv", "because": "planted"}
    survey = read_answers(answers, units=units, pack=LARGE_PACK, duplicates=copies, **facts)
    close, n_hidden = attack(survey)
    assert close == []
    assert n_hidden
    scores = Figures(survey).scores
    is_access = scores["variable"].isin(FACTORS["access"]) & scores["value"].isna()
    beside = is_access.groupby([scores["domain"], scores["unit"]]).transform("any")
    pooled = scores["variable"].isin(["access", "overall"]) & scores["value"].notna() & beside
    assert scores.loc[pooled, "se"].isna().all()
    assert scores.loc[pooled, "low"].mod(1).eq(0).all()
    if kind == "single":
        assert scores.loc[scores["unit"] == "u-0", "n"].isna().all()


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_answers_of_the_whole_that_few_hidden_people_gave_are_hidden(read_answers):
    """A level that no hidden unit chose would be known of each: the value stays, levels do not."""
    answers, units = write_kind("factor")
    copies = {"keep": "answers.csv", "because": "planted"}
    figures = Figures(read_answers(answers, units=units, pack=LARGE_PACK, duplicates=copies))
    hidden = figures.suppression.hidden_answers
    assert hidden
    levels = figures.by_id.set_index("id").filter(like="answer_")
    assert levels.loc[[*hidden]].isna().all(axis=None)
    counts = figures.disclosure.set_index("measure")["n"]
    assert counts["answers"] == len(hidden)
    assert counts["small"] == 1
    assert counts["at_risk"] == 1
    lost = figures.disclosure.set_index("measure").loc["lost", "percent"]
    assert 0 < lost < 50
    assert lost == round(lost)  # more digits would give back how many people are hidden


@pytest.mark.slow
def test_what_need_not_be_hidden_is_shown_again(read_answers):
    """One unit of four people: two others are hidden beside it, and no figure of the whole."""
    draw = random.Random(1)
    forms = [
        f"u-{unit}," + ",".join(draw.choices("2345", (1, 2, 4, 4), k=6))
        for unit, n in enumerate((4, 20, 25, 30, 35, 40))
        for _ in range(n)
    ]
    units = "code,name_vi,group\n" + "".join(f"u-{k},Sở {k},departments\n" for k in range(6))
    answers = "\n".join(["unit," + ",".join(ITEMS), *forms]) + "\n"
    figures = Figures(read_answers(answers, units=units, pack=LARGE_PACK))
    scores = figures.scores[figures.scores["n_valid"].ne(0)]
    hidden = scores[scores["flag"] == "suppress"]
    assert [*hidden.loc[hidden["domain"] != "unit", "variable"]] == []
    assert hidden["unit"].nunique() <= 4
    assert figures.disclosure.set_index("measure").loc["lost", "percent"] < 20


def test_a_search_of_its_own_finds_nothing_that_is_left_exposed(read_answers):
    """Many exposed figures are freed in one pass: a new search agrees; of small ones alone not."""
    answers, units = write_kind("factor")
    copies = {"keep": "answers.csv", "because": "planted"}
    survey = read_answers(answers, units=units, pack=LARGE_PACK, duplicates=copies)
    tables = WaveTables(survey)
    cells, is_small = describe_cells(tables.estimates, survey), mark_small(tables.estimates)
    items = tables.estimates["variable"].iloc[cells.answer_item]
    hidden = np.append(
        tables.suppression.cause.ne(""), items.isin(tables.suppression.hidden_answers)
    )
    assert Audit(cells, is_small).find_exposed(hidden) is None
    few = np.append(is_small, np.zeros(len(items), dtype=bool))
    assert Audit(cells, is_small).find_exposed(few) is not None


@pytest.mark.slow
def test_programs_leave_out_only_what_cannot_matter(read_answers):
    """With all that is known of the cells as rows of their own, each cell rises and falls as far.

    Links of one cell are ends of this cell, those that no change breaks and equal sums are left
    out.
    """
    answers, units = write_kind("factor")
    copies = {"keep": "answers.csv", "because": "planted"}
    survey = read_answers(answers, units=units, pack=LARGE_PACK, duplicates=copies)
    tables = WaveTables(survey)
    cells = describe_cells(tables.estimates, survey)
    marks = cells.hide_parts(
        np.append(tables.suppression.cause.ne(""), np.zeros(len(cells.answer_item), dtype=bool))
    )
    problem = Problem(cells, marks, np.arange(len(cells.group)))
    known = np.vstack([cells.matrix[problem.rows].toarray(), cells.links.toarray()])
    zeros = np.zeros(problem.rows.size)
    ends = [np.append(zeros, cells.room[:, side]) for side in (0, 1)]
    rows = LinearConstraint(csr_array(known[:, problem.free]), *ends)
    room = Bounds(-cells.fall[problem.free], cells.rise[problem.free])
    moving = 0
    for sign, cell in product((1.0, -1.0), range(0, problem.free.size, 3)):
        aim = np.zeros(problem.free.size)
        aim[cell] = sign
        change, _ = problem.relax(aim)
        plain = milp(-aim, bounds=room, constraints=rows)
        assert aim @ change == pytest.approx(-plain.fun, abs=1e-6)
        moving += aim @ change > 0.5
    assert moving > 0


@pytest.mark.slow
def hide_small_units(read_answers):
    """Return the two kinds of cells of a wave of small units, and what of it is hidden.

    One unit also hides two items of a factor that it shows.
    """
    draw = random.Random(3)
    forms = [
        f"u-{unit}," + ",".join(draw.choices("2345", (1, 1, 4, 4), k=6))
        for unit, n in enumerate((2, 3, 4, 4, 6, 25, 30))
        for _ in range(n)
    ]
    units = "code,name_vi,group\n" + "".join(f"u-{k},Sở {k},departments\n" for k in range(7))
    answers = "\n".join(["unit," + ",".join(ITEMS), *forms]) + "\n"
    survey = read_answers(answers, units=units, pack=LARGE_PACK)
    table = WaveTables(survey).estimates
    in_unit = table["unit"].isin([f"u-{k}" for k in range(5)])
    is_pair = table["unit"].eq("u-5") & table["variable"].isin(["A1", "A2"])
    is_small, hidden = mark_small(table), (in_unit | is_pair).to_numpy()
    parts = describe_cells(table, survey, by_level=False), describe_bases(table, survey, is_small)
    return parts, is_small, hidden


def find_most(problem, aim):
    """Return the most that an integer program finds."""
    found = milp(
        -aim,
        integrality=np.ones(aim.size),
        bounds=Bounds(*problem.ends),
        constraints=LinearConstraint(*problem._known),
    )
    return round(-found.fun)


@pytest.mark.slow  # some hundred integer programs
def test_exchanges_reach_no_further_than_programs_find(read_answers):
    """Whoever reads: a figure falls and rises no further by exchanges than an integer program says.

    Some reach as far.
    """
    parts, _, hidden = hide_small_units(read_answers)
    reached = compared = 0
    for cells in parts:
        reach = Reach(Exchanges(cells), cells.hide_parts(hidden))
        figures = np.flatnonzero(hidden & (cells.owner[: len(hidden)] >= 0))
        for figure, reader in product(figures[::5].tolist(), (-1, 1)):
            if cells.owner[figure] == reader:
                continue
            units = [unit for unit in range(7) if unit != reader]
            problem = Problem(cells, cells.hide_parts(hidden), np.array(units))
            aim = problem.cut(np.array([figure]))[0]
            for sign, moved in zip(SIGNS, reach.find_ranges(figure)[:, reader], strict=True):
                most = find_most(problem, sign * aim)
                assert 0 <= sign * moved <= most + 1e-6
                compared += most > 0
                reached += most > 0 and sign * moved == most
    assert reached > compared / 5


@pytest.mark.slow
def test_walks_leave_what_is_shown(read_answers):
    """A walk keeps shown figures, ends and links, and nothing changes in a reader's own unit."""
    parts, _, hidden = hide_small_units(read_answers)
    moved = beside = 0
    for cells in parts:
        marks = cells.hide_parts(hidden)
        reach = Reach(Exchanges(cells), marks)
        figures = np.flatnonzero(hidden & (cells.owner[: len(hidden)] >= 0))
        of_pair = figures[cells.owner[figures] == 5]
        chosen = np.union1d(figures[::4], of_pair).tolist()
        for figure, reader, sign in product(chosen, (-1, 1), SIGNS):
            if cells.owner[figure] == reader:
                continue
            walk = Walk(reach, figure, [reader] if reader >= 0 else [])
            steps = walk.go(sign, 2.0)
            change = walk.change.ravel()
            assert cells.matrix[[figure]] @ change == sign * steps
            assert not (cells.matrix[: len(hidden)] @ change)[~hidden].any()
            assert (change >= -cells.fall).all()
            assert (change <= cells.rise).all()
            linked = cells.links @ change
            assert ((linked >= cells.room[:, 0]) & (linked <= cells.room[:, 1])).all()
            assert reader < 0 or not walk.change[reader].any()
            moved += steps > 0
            beside += steps > 0 and cells.owner[figure] == 5
    assert moved > 20
    assert beside > 0  # through two cells of which the unit shows the sum


@pytest.mark.slow
def test_what_rests_on_exchanges_is_looked_at_again(read_answers, monkeypatch):
    """A search that shows figures again asks for as many as a new one, once partners are shown."""
    (cells, _), is_small, hidden = hide_small_units(read_answers)
    asked = []
    monkeypatch.setattr(Audit, "_search_alone", lambda _, *who: asked.append(who))

    def list_asked(audit, marks):
        asked.clear()
        audit._look_at(marks)
        assert not [*audit._find_by_contributor()]
        return {*asked}

    audit = Audit(cells, is_small)
    everything = list_asked(audit, hidden | (cells.owner[: len(hidden)] >= 0))
    again, anew = (
        list_asked(search, is_small) for search in (audit.forget(is_small), Audit(cells, is_small))
    )
    assert again == anew > everything


@pytest.mark.slow
def test_no_model_rests_on_hidden_figures(read_answers):
    """Three people answered the only item of a factor: no correlation, alpha or coefficient."""
    forms = [
        f"so-a,{form % 5 + 1},{form % 3 + 2},{form % 4 + 1 if form < 3 else ''},{form % 4 + 2}"
        for form in range(60)
    ]
    figures = Figures(read_answers("unit,A1,A2,D1,OVERALL\n" + "\n".join(forms) + "\n"))
    assert {*figures.drivers.reason.values()} == {"hidden"}
    shown = figures.list_parts(["drivers", "collinearity", "reliability"]).dropna(subset="value")
    assert not [name for name in shown["id"] if not name.startswith("cut:")]
