"""Small random waves, also published twice: corrected editions, and two years.

Units of few people as in ``small_groups``; few units and items, so that an attack is quick.
"""

import itertools

import numpy as np
from small_groups import describe_pack, draw_forms, write_files

KINDS = ["added"] * 3 + ["removed"] * 2 + ["changed"] * 2 + ["moved", "renamed", "merged"]
OF_FORMS = ("added", "removed", "changed")
GROUPS = ("departments", "districts")
RULES = ["pooled"] * 4 + ["means", "points"]
FACTORS = (2, 1)  # items of each
FIELDWORK = "01-15"  # day of a change of units, in the later year


def draw_units(rng):
    """Return four or five units of a group, or three of each of two."""
    groups = GROUPS[: 1 + int(rng.random() < 0.3)]
    number = int(rng.integers(4, 6)) if len(groups) == 1 else 6
    return [(f"u{at}", groups[at * len(groups) // number]) for at in range(number)]


def draw_pack(rng):
    """Return the text of a pack, and ``min_cell``."""
    pack = describe_pack(FACTORS, str(rng.choice(RULES)), [])
    return pack, 10 if rng.random() < 0.15 else 5


def draw_rows(rng, units, fewest):
    """Return the forms of a wave; one without an answer is none."""
    codes = [f"{chr(65 + at)}{k + 1}" for at, n in enumerate(FACTORS) for k in range(n)]
    rows = draw_forms(rng, units, codes, fewest)
    return [row for row in rows if any(row[code] for code in (*codes, "WHOLE"))]


def write_editions(folder, seed):
    """Write ``first`` and ``second``, its correction; return of what kind that is."""
    rng = np.random.default_rng([seed, 1])
    units, (pack, fewest) = draw_units(rng), draw_pack(rng)
    rows = draw_rows(rng, units, fewest)
    kind, n = str(rng.choice(KINDS)), int(rng.choice([*range(1, 9), 8, 8, 8, 8]))
    first, second = [*rows], [*rows]
    units_after = [*units]
    few = [str(code) for code in rng.choice([code for code, _ in units], 2, replace=False)]
    if kind in OF_FORMS:
        corrected = few[: int(rng.integers(1, 3))]
        some = [at for at, row in enumerate(rows) if row["unit"] in corrected][1:-1]
        chosen = {*rng.permutation(some)[:n].tolist()}
        others = [row for at, row in enumerate(rows) if at not in chosen]
        first = others if kind == "added" else first
        second = others if kind == "removed" else second
        if kind == "changed":
            again = draw_rows(rng, units, fewest)
            answers = itertools.cycle([row for row in again if row["unit"] in few])
            second = [
                next(answers) | {name: row[name] for name in ("form", "unit")}
                if at in chosen
                else row
                for at, row in enumerate(rows)
            ]
    else:
        units_after, later = _change_units(kind, units, *few)
        second = [row | {"unit": later.get(row["unit"], row["unit"])} for row in rows]
    facts = {"id": f"e{seed}", "year": 2025, "seed": seed, "min_cell": fewest}
    write_files(folder / "first", first, units, pack, **facts)
    more = "editions: [../first/receipt.json]"
    write_files(folder / "second", second, units_after, pack, **facts, more=more)
    return kind


def _change_units(kind, units, one, two):
    """Return the units after one was moved, renamed or merged, and new codes by old."""
    if kind == "moved":
        other = next(group for group in GROUPS if group != dict(units)[one])
        return [(unit, other if unit == one else group) for unit, group in units], {}
    if kind == "renamed":
        return [("new" if unit == one else unit, group) for unit, group in units], {one: "new"}
    return [(unit, group) for unit, group in units if unit != two], {two: one}


def write_years(folder, seed):
    """Write ``before`` and ``after``, a year later with other units; return which changed how."""
    rng = np.random.default_rng([seed, 2])
    units, (pack, fewest) = draw_units(rng), draw_pack(rng)
    rows = draw_rows(rng, units, fewest)
    kind = str(rng.choice(["merged", "merged", "merged", "renamed", "moved", "split", "same"]))
    one, two = (str(code) for code in rng.choice([code for code, _ in units], 2, replace=False))
    later, changes = [*units], []
    if kind == "split":
        later = [*units, ("new", dict(units)[one])]
        changes = [f"2025-{FIELDWORK},{one},{unit},0.5,split" for unit in (one, "new")]
    elif kind != "same":
        later, codes = _change_units(kind, units, one, two)
        changes = [f"2025-{FIELDWORK},{old},{new},,merge" for old, new in codes.items()]
    after = draw_rows(rng, later, fewest)
    facts = {"seed": seed, "min_cell": fewest}
    write_files(folder / "before", rows, units, pack, id=f"y{seed}-2024", year=2024, **facts)
    more = "earlier: [../before/wave.yaml]"
    write_files(folder / "after", after, later, pack, id=f"y{seed}", year=2025, **facts, more=more)
    lines = ["date,from,to,share,kind", *changes]
    if changes:
        (folder / "after" / "unit_changes.csv").write_text("\n".join([*lines, ""]), "utf-8")
    return kind


def write_small_wave(folder, seed):
    """Write one wave of few units and items."""
    rng = np.random.default_rng([seed, 3])
    units, (pack, fewest) = draw_units(rng), draw_pack(rng)
    rows = draw_rows(rng, units, fewest)
    facts = {"id": f"s{seed}", "year": 2025, "seed": seed, "min_cell": fewest}
    write_files(folder, rows, units, pack, **facts)
