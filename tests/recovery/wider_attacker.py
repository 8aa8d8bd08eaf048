"""Attack more than the scores of one wave: two editions, two years, all that a run publishes.

Each further number is one more row over the unknowns of ``attacker``. Nothing of
``sipas_analysis`` is used.
"""

import itertools
from copy import copy
from dataclasses import replace

import attacker
import numpy as np
import pandas as pd

ROOM = 1e-6  # of a printed value: ten digits
RULES = ("pooled", "mean_of_items", "mean_of_factors", "overall_item")  # of sums over answers
DIFFERENCES = ("pair", "gap", "beside", "difference")
MODELS = ("penalty", "reward", "asymmetry", "pooled", "adjusted", "robust", "what_if")


def sum_parts(reader, variable, units):
    """Return the terms of the numerator and the denominator of a value, and its scale."""
    ones = dict.fromkeys(attacker.LEVELS, 1)
    scale = 1 if reader.index.get("points") else 100
    if variable == "comprehensive":
        whole = [(reader.at("people", unit, "overall"), 1) for unit in units]
        return reader.sum_of(variable, units), whole, 100
    if variable == "mean_score":
        worth = {k: k for k in attacker.LEVELS}
        above, below = (reader.sum_answers(units, reader.items, w) for w in (worth, ones))
        return above, below, 1
    items = [variable] if variable in reader.asked else reader.parts[variable]
    below = reader.sum_answers(units, items, ones)
    return reader.sum_of(variable, units), below, scale


def is_average(reader, variable):
    """Whether a part is a mean of shares, not one share."""
    level = "overall" if variable == "overall" else "factor"
    return variable in reader.parts and reader._rule_of(level) != "pooled"


def add_value(reader, variable, units, value):
    """Read a printed value: numerator − value × denominator is 0; no base is granted."""
    if is_average(reader, variable):
        scale = 1 if reader.index.get("points") else 100
        terms = reader.average(variable, units)
        reader.program.add(terms, value / scale - ROOM, value / scale + ROOM)
        return
    above, below, scale = sum_parts(reader, variable, units)
    terms = [*above, *((place, -value / scale * worth) for place, worth in below)]
    base = attacker.MOST * ROOM / 100
    reader.program.add(terms, -base, base)


def list_shares(reader, variable, units):
    """Return the terms of a value whose base is granted."""
    scale = 1 if reader.index.get("points") else 100
    if is_average(reader, variable):
        return [(place, scale * worth) for place, worth in reader.average(variable, units)]
    above, below, scale = sum_parts(reader, variable, units)
    base = _value_of(reader, below)
    return [(place, scale * worth / base) for place, worth in above]


def _value_of(reader, terms):
    truth = reader.find_truth()
    return sum(worth * truth[place] for place, worth in terms)


def add_difference(one, other, value):
    """Read the difference of two values; their bases are granted."""
    (reader, *first), (second, *last) = one, other
    terms = list_shares(reader, *first)
    terms += [(place, -share) for place, share in list_shares(second, *last)]
    reader.program.add(terms, value - 100 * ROOM, value + 100 * ROOM)


def attack_editions(folder):
    """Return the hidden numbers of two editions and of the forms that differ, and those found."""
    program = attacker.Program()
    first, second = (
        attacker.Reader(folder / name, folder / name / "tables", program, (at,))
        for at, name in enumerate(("first", "second"), 1)
    )
    later = dict(
        first.forms.merge(second.forms, on="form")[["unit_x", "unit_y"]].itertuples(index=False)
    )
    parts = {
        name: _make_part(first, name, forms)
        for name, forms in split_forms(first.forms, second.forms, first.asked).items()
    }
    _link_edition(first, [parts["kept"], parts["old"]], {})
    _link_edition(second, [parts["kept"], parts["new"]], later)
    targets = [
        replace(target, name=f"{reader.tag[0]} {target.name}")
        for reader in (first, second)
        for target in attacker.list_targets(reader)
    ]
    small = {name.split("@")[1].split("=")[0] for name in (t.name for t in targets)}
    targets += [target for name in ("old", "new") for target in _list_differing(parts[name])]
    truth = sum(reader.find_truth() for reader in (first, second, *parts.values()))
    owners = {}
    for unit in sorted(small & {*first.group}):
        new, alone = later.get(unit, unit), [*later.values()].count(later.get(unit)) == 1
        owners[unit] = {(unit, 1), *((unit, name) for name in parts)}
        owners[unit] |= {(new, 2)} if alone or unit not in later else set()
    return targets, attacker.find_known(first, truth, targets, owners)


def split_forms(first, second, asked):
    """Return the forms that two editions share, and those of one alone (another answer: both)."""
    both = first.merge(second, on="form", suffixes=("", "_after"))
    answers, after = both[asked].fillna(0), both[[f"{code}_after" for code in asked]].fillna(0)
    kept = {*both["form"][(answers.to_numpy() == after.to_numpy()).all(axis=1)]}
    return {
        "kept": first[first["form"].isin(kept)],
        "old": first[~first["form"].isin(kept)],
        "new": second[~second["form"].isin(kept)],
    }


def _make_part(reader, name, forms):
    """Return a reader of some forms; how many differ in each unit was said with the correction."""
    part = copy(reader)
    part.tag, part.forms = (name,), forms
    for unit in sorted({*reader.group} | {*forms["unit"]}):
        part.link(unit, fewest=0)
        if name != "kept":
            reader.program.add([(part.at("n", unit), 1)], int((forms["unit"] == unit).sum()))
    return part


def _link_edition(reader, parts, later):
    """Say that each number of an edition is the sum of those of its forms."""
    program, tag = reader.program, reader.tag
    names = [name for name in program.names if name[-1:] == tag and len(name) > 1]
    units = sorted({*reader.group} | {*later} | {u for p in parts for u in p.forms["unit"]})
    for name in names:
        at = int(name[0] in ("n", "people", "content"))
        own = [unit for unit in units if later.get(unit, unit) == name[at]]
        terms = [
            (part.at(*name[:at], unit, *name[at + 1 : -1]), -1) for part in parts for unit in own
        ]
        program.add([(program.names[name], 1), *terms], 0)


def _list_differing(part):
    """Return what nobody may know of the forms of one edition alone, where these are too few."""
    targets, forms = [], part.forms
    wholes = [*((unit, [unit]) for unit in sorted({*forms["unit"]})), ("", sorted(part.group))]
    for name, units in wholes:
        frame = forms[forms["unit"].isin(units)]
        people = len(frame)
        for code in part.asked if 0 < people < part.fewest else ():
            base = int(frame[code].notna().sum())
            width = max(part.worth.values()) * base
            terms = part.sum_of(code, units)
            kind = f"{part.tag[0]} {code}@{name}"
            target = attacker.Target("satisfied", kind, terms, people, width, part.fewest)
            targets += [target] if base else []
    return targets


def attack_years(folder):
    """Return the hidden numbers of two years, of which the changes are published, and the found."""
    program = attacker.Program()
    before, after = (
        attacker.Reader(folder / name, folder / name / "tables", program, (name,))
        for name in ("before", "after")
    )
    path = folder / "after" / "unit_changes.csv"
    moves = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["from", "to", "kind"])
    whole = moves[moves["kind"] != "split"]
    later = dict(zip(whole["from"], whole["to"], strict=True))
    split = {*moves.loc[moves["kind"] == "split", "from"]}
    changes = attacker.read_table(folder / "after" / "tables" / "changes.csv")
    became = {unit: "" if unit in split else later.get(unit, unit) for unit in before.group}
    groups = {unit: after.group.get(became[unit], group) for unit, group in before.group.items()}
    for row in changes[changes["value"].notna()].itertuples():
        if row.variable == "mean_score_100":
            continue
        names = {"unit": became, "group": groups}.get(row.domain)
        was = [*before.group]
        was = [u for u in was if names[u] == getattr(row, row.domain)] if names else was
        units = after.members(row)
        add_value(before, row.variable, was, row.value_before)
        add_value(after, row.variable, units, row.value_after)
        add_difference((after, row.variable, units), (before, row.variable, was), row.value)
        _add_people(before, row.variable, was, row.n_before)
        _add_people(after, row.variable, units, row.n_after)
    targets = [
        replace(target, name=f"{reader.tag[0]} {target.name}")
        for reader in (before, after)
        for target in attacker.list_targets(reader)
    ]
    truth = before.find_truth() + after.find_truth()
    owners = {unit: {(unit, "before"), (later.get(unit, unit), "after")} for unit in before.group}
    return targets, attacker.find_known(before, truth, targets, owners)


def _add_people(reader, variable, units, n):
    """Read how many people answered, where it is printed."""
    if np.isnan(n):
        return
    if variable in reader.asked:
        ones = dict.fromkeys(attacker.LEVELS, 1)
        reader.program.add(reader.sum_answers(units, [variable], ones), n)
    else:
        part = variable if variable in reader.parts else "overall"
        reader.program.add([(reader.at("people", unit, part), 1) for unit in units], n)


def attack_folder(folder):
    """Return the hidden numbers of a wave, those found in all tables of a run, and what is unread.

    Besides what ``attacker.Reader`` reads: ``figures.csv`` by id, ``ranking.csv``, ``plan.csv``,
    ``priority.csv``. Models and how forms were checked are no sums: those kinds are returned.
    """
    tables = folder / "tables"
    reader = attacker.Reader(folder, tables)
    unread = read_figures(reader, reader.figures) if len(reader.figures) else set()
    _read_ranking(reader, attacker.read_table(tables / "ranking.csv"))
    for row in attacker.read_table(tables / "priority.csv").itertuples():
        if not np.isnan(row.percent):
            add_value(reader, row.variable, [*reader.group], row.percent)
    for row in attacker.read_table(tables / "plan.csv").itertuples():
        if not np.isnan(row.baseline):
            units = [row.unit] if row.unit else [*reader.group]
            add_value(reader, row.item, units, row.baseline)
            _add_people(reader, row.item, units, row.n)
    targets = attacker.list_targets(reader)
    small = {name.split("@")[1].split("=")[0] for name in (t.name for t in targets)}
    owners = {unit: {unit} for unit in sorted(small & {*reader.group})}
    found = attacker.find_known(reader, reader.find_truth(), targets, owners)
    return targets, found, unread


def _units_of(reader, domain):
    """Return the units of what stands behind the @ of an id."""
    if domain.startswith("group:"):
        return [unit for unit, group in reader.group.items() if f"group:{group}" == domain]
    return [domain] if domain else [*reader.group]


def read_figures(reader, figures):
    """Add a row for each figure whose kind is a sum; return the other kinds."""
    values = figures.set_index("id")["value"].to_dict()
    unread = set()
    for row in figures[figures["value"].notna()].itertuples():
        kind, _, name = row.id.rpartition(":") if ":" in row.id.partition("@")[0] else ("", "", "")
        if not kind:
            continue  # the index, and by labels: ``find_by_keys``
        variable, _, domain = name.partition("@")
        if kind == "trend":
            add_value(reader, "overall", [*reader.group], row.value)
        elif kind == "pair":
            one, two = ((reader, "overall", [unit]) for unit in name.split("~"))
            add_difference(one, two, row.value)
        elif kind in ("gap", "beside"):
            units = _units_of(reader, domain)
            others = [u for u, group in reader.group.items() if group == reader.group.get(domain)]
            other = (variable, others) if kind == "beside" else ("overall", [*reader.group])
            add_difference((reader, variable, units), (reader, *other), row.value)
        elif kind.startswith("rule:"):
            _read_rule(reader, kind.removeprefix("rule:"), name, row.value)
        elif kind == "what_if":
            _read_gain(reader, name, row.value, values.get(f"what_if.target:{name}"))
        elif kind in ("fewest", "most"):
            pass  # of shown units
        else:
            unread.add(kind)
    _read_places(reader, figures)
    _read_findings(reader, figures)
    return unread


def _read_rule(reader, rule, variable, value):
    """Read a part or the whole under another rule; bases are granted."""
    if rule not in RULES or reader.is_weighted:
        return
    units = [*reader.group]
    if rule == "overall_item":
        add_value(reader, reader.asked[-1], units, value)
        return
    other = copy(reader)
    other.index = reader.index | {"factor": {"rule": "pooled"}, "overall": {"rule": rule}}
    if variable != "overall":
        rule = "mean_of_items" if rule == "mean_of_items" else "pooled"
        other.index |= {"factor": {"rule": rule}}
    add_value(other, variable, units, value)


def _read_gain(reader, item, points, target):
    """Read what the pooled index gains if an item of the whole reaches its target (D5)."""
    if target is None or np.isnan(target) or is_average(reader, "overall"):
        return
    units, ones = [*reader.group], dict.fromkeys(attacker.LEVELS, 1)
    of_item = reader.sum_answers(units, [item], ones)
    of_all = reader.sum_answers(units, reader.items, ones)
    above = reader.sum_of(item, units)
    base = _value_of(reader, of_all)
    terms = [(place, target / base * worth) for place, worth in of_item]
    terms += [(place, -100 / base * worth) for place, worth in above]
    reader.program.add(terms, points - 100 * ROOM, points + 100 * ROOM)


def _read_places(reader, figures):
    """Read in which order the items of a unit or of the whole stand, lowest first."""
    places = figures[figures["id"].str.startswith("place:") & figures["rank"].notna()]
    names = places["id"].str.removeprefix("place:").str.partition("@")
    for domain, rows in places.groupby(names[2]):
        order = names[0][rows.sort_values("rank", kind="stable").index].tolist()
        _add_order(reader, [(code, _units_of(reader, domain)) for code in order])


def _read_ranking(reader, ranking):
    """Read the values of the ranking, and the order of ranked units."""
    for row in ranking[ranking["value"].notna()].itertuples():
        add_value(reader, row.variable, [row.unit], row.value)
        _add_people(reader, row.variable, [row.unit], row.n_valid)
    ranked = ranking[ranking["rank"].notna()].sort_values("rank", ascending=False, kind="stable")
    for _, rows in ranked.groupby(["group", "variable"]):
        pairs = zip(rows["variable"], rows["unit"], strict=True)
        _add_order(reader, [(variable, [unit]) for variable, unit in pairs])


def _add_order(reader, values):
    """Say that values stand in this order; their bases are granted."""
    for low, high in itertools.pairwise(values):
        terms = list_shares(reader, *high)
        terms += [(place, -share) for place, share in list_shares(reader, *low)]
        reader.program.add(terms, -ROOM, attacker.MOST)


def _read_findings(reader, figures):
    """Read how many forms the checks of a unit's forms rest on."""
    rows = figures[figures["id"].str.startswith("quality:") & figures["denominator"].notna()]
    for row in rows.itertuples():
        unit = row.id.rpartition("@")[2]
        if unit in reader.group and "item" not in row.id:
            reader.program.add([(reader.at("n", unit), 1)], row.denominator)


def find_printed(reader):
    """Return the ids of models, ranks and checks of what is hidden that have a number."""
    hidden = {
        f"{row.variable}@{row.unit}" if row.unit else row.variable
        for row in reader.scores[reader.scores["value"].isna()].itertuples()
        if row.domain != "group"
    }
    numbers = reader.figures.drop(columns=["id", "rule", "printed"], errors="ignore")
    found = []
    for name in reader.figures["id"][numbers.notna().any(axis=1)]:
        kind, _, key = name.rpartition(":")
        kind = kind.partition(".")[0]
        of = f"overall@{key}" if key in reader.group else key
        of = f"overall@{key.rpartition('@')[2]}" if kind.startswith("quality") else of
        if kind in (*MODELS, *DIFFERENCES, "place", "quality", "correlation") and of in hidden:
            found.append(name)
    return found


def find_own_differences(reader):
    """Return shown groups that leave too few people without those of one unit, which knows them."""
    groups = attacker._list_shown(reader, reader.figures)
    labels = {name: people for name, people in groups.items() if "=" in name or name == "all"}
    found = []
    for unit in sorted(reader.group):
        others = (reader.forms["unit"] != unit).to_numpy()
        left = {name: people & others for name, people in labels.items()}
        found += [[unit, *names] for names in attacker.find_differences(left, reader.fewest)]
    return found
