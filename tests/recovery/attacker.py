"""Attack the published tables of a wave: what follows from them on hidden figures.

An outsider knows the questionnaire and the files in ``tables/``; a contributor knows its own forms
too. Nothing of ``sipas_analysis`` is used. Unknown are, in whole numbers, how many people of a unit
gave each answer to each item, answered at all, are satisfied with everything (rule M4). Every shown
number is a row over them; integer programs bound every hidden number.
"""

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import yaml
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

LEVELS = range(1, 6)
SATISFIED = (4, 5)
MOST = 10_000.0
MOST_NODES = 500  # of a search, not seconds: a slow machine finds the same


@dataclass
class Program:
    """Whole numbers by name with rows ``low <= sum <= high`` over them."""

    names: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)

    def at(self, *name):
        """Return the place of an unknown, a new one if there is none of that name."""
        return self.names.setdefault(name, len(self.names))

    def add(self, terms, low, high=None):
        """Add a row: (place, coefficient) pairs and the ends of their sum."""
        self.rows.append((Counter(), low, low if high is None else high))
        for place, coefficient in terms:
            self.rows[-1][0][place] += coefficient

    def build(self):
        """Return the rows as a matrix, and their ends."""
        cells = [(v, i, k) for i, (row, _, _) in enumerate(self.rows) for k, v in row.items() if v]
        value, row, column = zip(*cells, strict=True)
        shape = (len(self.rows), len(self.names))
        ends = np.array([ends for _, *ends in self.rows], dtype=float).T
        return LinearConstraint(sparse.csr_array((value, (row, column)), shape=shape), *ends)


def read_table(path):
    """Return a published table, with empty texts where it has no unit or group."""
    texts = dict.fromkeys(("unit", "group", "variable", "id", "level"), str)
    blanks = {"keep_default_na": False, "na_values": ""}
    table = pd.read_csv(path, encoding="utf-8-sig", dtype=texts, **blanks)
    return table.fillna({name: "" for name in texts if name in table})


class Reader:
    """What an outsider makes of the tables of a wave.

    ``wave`` is the folder of the wave (only what is public of it is read: pack and settings),
    ``tables`` that of the published tables, ``forms`` the answers: for the truth, and for what a
    contributor knows. Two publications can share a ``program``: the last part of the names of
    their unknowns, ``tag``, tells them apart.
    """

    def __init__(self, wave, tables, program=None, tag=()):
        self.pack = yaml.safe_load((wave / "pack.yaml").read_text("utf-8"))
        self.wave = yaml.safe_load((wave / "wave.yaml").read_text("utf-8"))
        self.fewest, self.index = self.wave["min_cell"], self.pack["index"]
        self.factor = {code: item["factor"] for code, item in self.pack["items"].items()}
        self.items = [*self.factor]
        self.asked = [*self.items, self.pack["overall_item"]["code"]]
        self.parts = {"overall": self.items}
        for name, part in self.pack["factors"].items():
            items = [code for code in self.items if self.factor[code] == name]
            self.parts[name] = items
            if "block" in part:
                self.parts.setdefault(part["block"], []).extend(items)
        self.scores = read_table(tables / "scores.csv")
        units = self.scores[self.scores["domain"] == "unit"]
        self.group = dict(zip(units["unit"], units["group"], strict=True))
        path = tables / "figures.csv"
        self.figures = read_table(path) if path.exists() else pd.DataFrame({"id": []})
        forms = pd.read_csv(wave / "responses.csv", dtype={"unit": str})
        self.forms = forms[forms[self.asked].notna().any(axis=1)].copy()  # a blank one is no form
        self.is_weighted = "weight" in self.wave["columns"]
        self.worth = self.index.get("points") or {k: float(k in SATISFIED) for k in LEVELS}
        self.program, self.tag = Program() if program is None else program, tag
        for unit in self.group:
            self.link(unit)
        weight = self.forms["weight"] if self.is_weighted else 1.0
        self.forms["_weight"] = weight
        self.person = float(self.forms["_weight"].mean())
        self._read_scores()
        self._read_answers()

    def at(self, *name):
        """Return the place of an unknown of this publication."""
        return self.program.at(*name, *self.tag)

    def link(self, unit, fewest=1):
        """Add what holds in every unit: answers and people, and rule M4."""
        at, add = self.at, self.program.add
        people, whole = at("n", unit), at("people", unit, "overall")
        content = at("content", unit)
        add([(people, 1)], fewest, MOST)
        add([(whole, 1), (content, -1)], 0, MOST)
        not_content = [(at(unit, code, k), 1) for code in self.items for k in (1, 2, 3)]
        add([*not_content, (whole, -1), (content, 1)], 0, MOST)
        for code in self.asked:
            add([(people, 1), *((at(unit, code, k), -1) for k in LEVELS)], 0, MOST)
        for code in self.items:
            add([(whole, 1), (content, -1), *((at(unit, code, k), -1) for k in (1, 2, 3))], 0, MOST)
        for part, items in self.parts.items():
            of_part = at("people", unit, part)
            add([(people, 1), (of_part, -1)], 0, MOST)
            for code in items:
                add([(of_part, 1), *((at(unit, code, k), -1) for k in LEVELS)], 0, MOST)
            answers = [(at(unit, code, k), 1) for code in items for k in LEVELS]
            add([*answers, (of_part, -1)], 0, MOST)

    def members(self, row):
        """Return the units behind a row of scores."""
        if row.domain == "unit":
            return [row.unit]
        is_all = row.domain == "all"
        return [unit for unit, group in self.group.items() if is_all or group == row.group]

    def sum_answers(self, units, items, worth):
        """Return the terms of a sum over answers, each worth what ``worth`` says."""
        at = self.at
        return [(at(u, c, k), worth[k]) for u in units for c in items for k in LEVELS if worth[k]]

    def sum_of(self, variable, units):
        """Return the terms of a variable: points or satisfied answers, or satisfied people."""
        if variable == "comprehensive":
            return [(self.at("content", unit), 1) for unit in units]
        items = [variable] if variable in self.asked else self.parts[variable]
        return self.sum_answers(units, items, self.worth)

    def _read_scores(self):
        ones = dict.fromkeys(LEVELS, 1)
        for row in self.scores.itertuples():
            units, variable = self.members(row), row.variable
            items = [variable] if variable in self.asked else self.parts.get(variable, self.items)
            if not self.is_weighted:
                self._read_people(row, units)
            if math.isnan(row.value) or variable == "mean_score_100":
                continue
            if variable not in self.asked and self._rule_of(row.level) != "pooled":
                self._read_average(row, units)
                continue
            base = row.n_valid if math.isnan(row.denominator) else row.denominator
            scale = 1 if variable == "mean_score" or self.index.get("points") else 100
            scale = 100 if variable == "comprehensive" else scale
            if variable == "comprehensive":
                terms = self.sum_of(variable, units)
            else:
                self._add_number(self.sum_answers(units, items, ones), base)
                worth = {k: k for k in LEVELS} if variable == "mean_score" else self.worth
                terms = self.sum_answers(units, items, worth)
            self._add_number(terms, row.value * base / scale)

    def _read_people(self, row, units):
        """Read how many forms, and how many people answered."""
        at, variable = self.at, row.variable
        if not math.isnan(row.n):
            self.program.add([(at("n", unit), 1) for unit in units], row.n)
        if math.isnan(row.n_valid):
            return
        part = variable if variable in self.parts else "overall"
        terms = [(at("people", unit, part), 1) for unit in units]
        if variable in self.asked:
            terms = self.sum_answers(units, [variable], dict.fromkeys(LEVELS, 1))
        self.program.add(terms, row.n_valid)

    def _read_average(self, row, units):
        """Read a mean of shares; their bases are granted to the reader."""
        terms = self.average(row.variable, units)
        scale = 1 if self.index.get("points") else 100
        self.program.add(terms, row.value / scale - 1e-7, row.value / scale + 1e-7)

    def average(self, variable, units):
        """Return the terms of a mean of shares."""
        rule = self.index["overall" if variable == "overall" else "factor"]
        names = self.parts.get(variable)
        if rule["rule"] == "mean_of_items":
            parts = {code: ([code], 1.0) for code in names}
        elif rule["rule"] == "mean_of_factors":
            parts = {name: (self.parts[name], 1.0) for name in self.pack["factors"]}
        else:
            parts = {name: (self.parts[name], share) for name, share in rule["weights"].items()}
        frame = self.forms[self.forms["unit"].isin(units)]
        bases = {name: _count(frame, codes) for name, (codes, _) in parts.items()}
        total = sum(share for name, (_, share) in parts.items() if bases[name])
        return [
            (place, worth * share / total / bases[name])
            for name, (codes, share) in parts.items()
            if bases[name]
            for place, worth in self.sum_answers(units, codes, self.worth)
        ]

    def _add_number(self, terms, number):
        """Add a sum that is a whole number, but for weights: these are printed to ten digits."""
        room = 1e-6 + abs(number) * 1e-8 if self.is_weighted else 0.0
        number = number if self.is_weighted else round(number)
        self.program.add(terms, number - room, number + room)

    def _rule_of(self, level):
        return "pooled" if level == "beside" else self.index.get(level, {}).get("rule", "pooled")

    def _read_answers(self):
        """Read the distributions beside items of units and of the whole."""
        if "answer_1" not in self.figures:
            return
        for row in self.figures[self.figures["answer_1"].notna()].itertuples():
            code, _, unit = row.id.partition("@")
            if code not in self.asked or math.isnan(row.n_valid):
                continue
            units = [unit] if unit else [*self.group]
            for k in LEVELS:
                terms = [(self.at(u, code, k), 1) for u in units]
                base = row.denominator if self.is_weighted else row.n_valid
                self._add_number(terms, getattr(row, f"answer_{k}") * base / 100)

    def find_truth(self, forms=None):
        """Return what the unknowns are in the forms; 0 those of another publication."""
        truth = np.zeros(len(self.program.names))
        forms = self.forms if forms is None else forms
        by_unit, nobody = dict([*forms.groupby("unit")]), forms.iloc[:0]
        for name, place in self.program.names.items():
            if name[len(name) - len(self.tag) :] == self.tag:
                unit = name[1] if name[0] in ("n", "people", "content") else name[0]
                truth[place] = self._count_people(name, by_unit.get(unit, nobody))
        return truth

    def _count_people(self, name, frame):
        """Return the weight of the people whom an unknown counts, of those of its unit."""
        answers = frame[self.items]
        if name[0] == "n":
            counted = frame
        elif name[0] == "people":
            counted = frame[frame[self.parts[name[2]]].notna().any(axis=1)]
        elif name[0] == "content":
            is_content = (answers.isna() | (answers >= 4)).all(axis=1)
            counted = frame[is_content & answers.notna().any(axis=1)]
        else:
            counted = frame[frame[name[1]] == name[2]]
        return counted["_weight"].sum()


def _count(frame, items):
    """Return the weight of all answers to some items."""
    return float((frame[items].notna().sum(axis=1) * frame["_weight"]).sum())


@dataclass(frozen=True)
class Target:
    """A number that nobody may know: its terms, the people behind it, how wide it must stay."""

    kind: str
    name: str
    terms: list
    people: int
    width: float
    fewest: int

    @property
    def is_small(self):
        """Whether too few people are behind it; else it is hidden to protect others."""
        return self.people < self.fewest


def list_targets(reader):
    """Return the hidden numbers of a wave: satisfied, answers by level, bases and forms."""
    targets, at, fewest = [], reader.at, reader.fewest
    most, ones = max(reader.worth.values()) * reader.person, dict.fromkeys(LEVELS, 1)
    for row in reader.scores[reader.scores["value"].isna()].itertuples():
        units, variable = reader.members(row), row.variable
        items = [variable] if variable in reader.asked else reader.parts.get(variable, reader.items)
        frame = reader.forms[reader.forms["unit"].isin(units)]
        people = int(frame[items].notna().any(axis=1).sum())
        if not people or variable.startswith("mean_score"):
            continue
        name, terms = f"{variable}@{row.unit or row.group}", reader.sum_of(variable, units)
        base = min(fewest, frame[items].notna().sum().sum())
        width = reader.person * min(fewest, people)
        width = width if variable == "comprehensive" else most * base
        targets.append(Target("satisfied", name, terms, people, width, fewest))
        if people >= fewest or reader.is_weighted:
            continue
        if variable in reader.asked:
            for k in LEVELS:
                count = [(at(unit, variable, k), 1) for unit in units]
                targets.append(Target("answers", f"{name}={k}", count, people, 1, fewest))
            bases = reader.sum_answers(units, items, ones)
            targets.append(Target("base", name, bases, people, 1, fewest))
        if row.domain == "unit" and variable == "overall":
            targets.append(Target("forms", name, [(at("n", row.unit), 1)], people, 1, fewest))
    return targets


def find_disclosed(reader, *, with_contributors=True, nodes=MOST_NODES):
    """Return (who, target) for every hidden number that somebody knows too closely."""
    targets = list_targets(reader)
    small = {name.split("@")[1].split("=")[0] for name in (t.name for t in targets)}
    owners = {unit: {unit} for unit in sorted(small & {*reader.group}) if with_contributors}
    return find_known(reader, reader.find_truth(), targets, owners, nodes)


def find_known(reader, truth, targets, owners, nodes=MOST_NODES):
    """Return (who, target) for every target that an outsider or an owner knows too closely.

    ``owners`` are contributors by name: the units whose unknowns each knows, or (unit, tag).
    """
    rows = reader.program.build()
    gap = rows.A @ truth
    room = 1e-6 * np.maximum(1, np.abs(gap))
    assert ((gap >= rows.lb - room) & (gap <= rows.ub + room)).all(), "the model is wrong"
    found = []
    for who, owned in {"": set(), **owners}.items():
        low, high = np.zeros(len(truth)), np.full(len(truth), MOST)
        mine = [at for name, at in reader.program.names.items() if owned & _list_owned(name)]
        low[mine] = high[mine] = truth[mine]
        aimed = [
            target
            for target in targets
            if not owned
            or (
                (target.is_small and target.kind in ("satisfied", "answers"))
                and not {*mine} & {place for place, _ in target.terms}
            )
        ]
        whole = np.full(len(truth), int(not reader.is_weighted))
        known = _search(rows, Bounds(low, high), truth, aimed, whole, nodes)
        found += [(who or "outsider", target) for target in known]
    return found


def _list_owned(name):
    """Return what an owner of an unknown may be called: its unit, or unit and tag."""
    return {*name[:2], *((unit, name[-1]) for unit in name[:2])}


def _search(rows, bounds, truth, targets, whole, nodes):
    """Return the targets whose bounds are closer than their width."""
    aims = np.zeros((len(targets), len(truth)))
    for aim, target in zip(aims, targets, strict=True):
        for place, coefficient in target.terms:
            aim[place] += coefficient
    width = np.array([target.width for target in targets])
    seen, rng = (aims @ truth)[:, None], np.random.default_rng(0)

    def solve(aim):
        options = {"node_limit": nodes}
        return milp(aim, integrality=whole, bounds=bounds, constraints=rows, options=options)

    def look(result):
        nonlocal seen
        if result.x is not None:
            seen = np.column_stack([seen, aims @ (result.x.round() if whole[0] else result.x)])

    def is_open():
        return np.ptp(seen, axis=1) < width - 1e-6

    for _ in range(4):
        if is_open().any():
            aim = rng.choice([-1.0, 1.0], is_open().sum()) @ aims[is_open()]
            look(solve(aim))
            look(solve(-aim))
    known = []
    for at, target in enumerate(targets):
        if is_open()[at]:
            ends = [solve(sign * aims[at]) for sign in (1, -1)]
            for end in ends:
                look(end)
            bound = [end.fun if whole[0] == 0 else end.mip_dual_bound for end in ends]
            if None in bound:
                continue
            low, high = bound[0], -bound[1]
            if whole[0]:
                low, high = math.ceil(low - 1e-6), math.floor(high + 1e-6)
            if high - low < target.width - 1e-6:
                known.append(target)
    return known


def solve_moments(row, n_items, n_forms):
    """Return all (Σ N², Σ N·D, Σ D²) that the standard error of a pooled share allows.

    N satisfied and D given answers of one person: se² = (n/(n−1))·Σ (N − R·D)²/(Σ D)².
    """
    num, den, n = round(row.numerator), round(row.denominator), round(row.n)
    total = (row.se / 100) ** 2 * den**4 * (n_forms - 1) / n_forms
    dd = np.arange(max(den, math.ceil(den * den / n)), n_items * den + 1)[:, None]
    nd = np.arange(num, n_items * num + 1)[None, :]
    left = total - float(num) ** 2 * dd + 2.0 * num * den * nd
    nn = np.round(left / den**2)
    fits = np.abs(left - nn * den**2) <= max(0.6, total * 5e-10)
    fits &= (nn >= num) & (nn <= nd) & (nd <= dd) & (nn * n >= num**2)
    places = zip(*fits.nonzero(), strict=True)
    return [(int(nn[i, k]), int(nd[0, k]), int(dd[i, 0])) for i, k in places]


def find_by_moments(reader, most=30):
    """Return hidden items that the second moments behind a shown error bound too closely."""
    if reader.is_weighted or "stratum" in reader.wave["columns"] or reader.index.get("points"):
        return []
    n_forms, found = len(reader.forms), {}
    units = reader.scores[reader.scores["domain"] == "unit"]
    is_part = units["variable"].isin([*reader.parts])
    shown = units[units["se"].gt(0) & units["numerator"].notna() & is_part]
    for row in shown.itertuples():
        items = reader.parts[row.variable]
        own = units[(units["unit"] == row.unit) & units["variable"].isin(items)]
        hidden = own.loc[own["value"].isna(), "variable"]
        maybe = _list_numbers(row, len(items)) if len(hidden) else []
        moments = [
            (one, three) for one in maybe for three in solve_moments(one, len(items), n_forms)
        ]
        if not 0 < len(moments) <= most:
            continue
        counts = own.set_index("variable")[["numerator", "denominator"]].dropna()
        frame = reader.forms.loc[reader.forms["unit"] == row.unit]
        for code in hidden:
            base = int(frame[code].notna().sum())
            ends = [_bound_pairs(one, items, counts, three, code) for one, three in moments]
            low, high = np.array([end for end in ends if end] or [(0, MOST)]).T
            if base and high.max() - low.min() < min(reader.fewest, base):
                found[f"{code}@{row.unit}"] = base
    return [*found.items()]


def _list_numbers(row, n_items):
    """Return a row with each number of forms that may be behind it, if that number is hidden."""
    if not math.isnan(row.n):
        return [row]
    fewest, most = math.ceil(row.denominator / n_items), round(row.denominator)
    return [row._replace(n=n) for n in range(fewest, most + 1)]


def _bound_pairs(row, items, counts, moments, target):
    """Bound the satisfied with an item by who gave two answers at once; None if there are none."""
    program, n = Program(), row.n
    at, add = program.at, program.add
    for code in items:
        add([(at("d", code), 1), (at("s", code), -1)], 0, n)
        add([(at("d", code), 1)], 0, n)
        if code in counts.index:
            add([(at("s", code), 1)], counts["numerator"][code])
            add([(at("d", code), 1)], counts["denominator"][code])
    nn = [(at("s", code), 1) for code in items]
    nd, dd = [*nn], [(at("d", code), 1) for code in items]
    add(nn, row.numerator)
    add(dd, row.denominator)
    for one, two in itertools.combinations(items, 2):
        cell = {p + q: at(one, two, p + q) for p in "sub" for q in "sub"}
        add([(place, 1) for place in cell.values()], n)
        for side, code in enumerate((one, two)):
            is_s = [(place, 1) for name, place in cell.items() if name[side] == "s"]
            is_u = [(place, 1) for name, place in cell.items() if name[side] == "u"]
            add([*is_s, (at("s", code), -1)], 0)
            add([*is_s, *is_u, (at("d", code), -1)], 0)
        nn += [(cell["ss"], 2)]
        nd += [(cell["ss"], 2), (cell["su"], 1), (cell["us"], 1)]
        dd += [(cell[name], 2) for name in ("ss", "su", "us", "uu")]
    for terms, moment in zip((nn, nd, dd), moments, strict=True):
        add(terms, moment)
    rows, aim = program.build(), np.zeros(len(program.names))
    aim[at("s", target)] = 1
    ends = []
    for sign in (1, -1):
        options = {"node_limit": MOST_NODES}
        end = milp(sign * aim, integrality=np.ones(len(aim)), constraints=rows, options=options)
        if end.status == 2:
            return None
        ends.append(0.0 if sign == 1 else n)
        if end.mip_dual_bound is not None and math.isfinite(end.mip_dual_bound):
            ends[-1] = sign * end.mip_dual_bound
    return math.ceil(ends[0] - 1e-6), math.floor(ends[1] + 1e-6)


def find_by_keys(reader):
    """Return shown groups of people whose sums and differences leave fewer than ``min_cell``."""
    return find_differences(_list_shown(reader, reader.figures), reader.fewest)


def find_by_years(reader, later, changes):
    """Return the same of the groups that a later wave shows of this one, some units merged.

    ``later`` are the figures of the later wave, ``changes`` the later code of each earlier unit.
    """
    of_later = later[later["id"].str.startswith("change:overall") & later["before"].notna()]
    moved = reader.forms["unit"].replace(changes)
    named = of_later["id"].str.removeprefix("change:")
    before = pd.DataFrame({"id": named, "value": of_later["before"]})
    groups = _list_shown(reader, reader.figures)
    groups |= {f"{key} later": mark for key, mark in _list_shown(reader, before, moved).items()}
    return find_differences(groups, reader.fewest)


def _list_shown(reader, figures, units=None):
    """Return which people are behind each shown overall index, by domain."""
    units = reader.forms["unit"] if units is None else units
    answered = reader.forms[reader.items].notna().any(axis=1).to_numpy()
    groups = {}
    for name in figures["id"][figures["value"].notna()]:
        variable, _, domain = name.partition("@")
        if variable != "overall":
            continue
        key, _, label = domain.partition("=")
        if not domain:
            groups["all"] = answered
        elif label:
            groups[domain] = answered & (reader.forms[key].astype(str) == label).to_numpy()
        elif domain.startswith("group:"):
            members = [u for u, group in reader.group.items() if f"group:{group}" == domain]
            groups[domain] = answered & units.isin(members).to_numpy()
        else:
            groups[domain] = answered & (units == domain).to_numpy()
    return groups


def find_differences(groups, fewest, depth=3):
    """Return sums and differences of up to three groups that leave fewer than ``fewest`` people."""
    people = np.array([*groups.values()], dtype=int)
    found = []
    for n in range(1, depth + 1):
        for chosen in itertools.combinations(range(len(groups)), n):
            for signs in itertools.product((1, -1), repeat=n - 1):
                left = (1, *signs) @ people[[*chosen]]
                n_left = np.count_nonzero(left)
                if 0 < n_left < fewest and (left.min() >= 0 or left.max() <= 0):
                    found.append([[*groups][at] for at in chosen])
    return found
