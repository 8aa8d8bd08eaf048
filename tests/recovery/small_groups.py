"""Random waves with small groups: units of few forms, questions that few people answered."""

import csv
from pathlib import Path

import numpy as np

KINDS = ["pooled"] * 6 + ["means", "factors", "weights", "points"]
GROUPS = ("departments", "districts", "communes")
POINTS = {1: 0, 2: 25, 3: 50, 4: 75, 5: 100}
LEVELS = (1, 2, 3, 4, 5)


def describe_pack(factors, kind, blocks):
    """Return a pack of factors with so many items each; ``blocks`` has the block of each factor."""
    name = "{vi: giả định, en: made up}"
    lines = ["id: made", f"title: {name}", "source: none", "status: unverified"]
    lines += ["scale: {low: 1, high: 5, satisfied_from: 4}"]
    if blocks:
        lines += ["blocks:", *(f"  block{at}: {name}" for at in sorted({*blocks}))]
    lines += ["factors:"]
    for at in range(len(factors)):
        block = f"block: block{blocks[at]}, " if blocks else ""
        lines += [f"  factor{at}: {{{block}vi: yếu tố {at}, en: factor {at}}}"]
    lines += ["items:"]
    for at, n in enumerate(factors):
        codes = [f"{chr(65 + at)}{k + 1}" for k in range(n)]
        lines += [f"  {c}: {{factor: factor{at}, vi: câu {c}, en: question {c}}}" for c in codes]
    lines += ["overall_item: {code: WHOLE, vi: nói chung, en: all in all}", "indicators:"]
    for key, labels in (("sex", "mf"), ("age", "abc")):
        levels = ", ".join(f"{label}: {{vi: {label}, en: {label}}}" for label in labels)
        lines += [f"  {key}: {{group: profile, vi: {key}, en: {key}, levels: {{{levels}}}}}"]
    part = "mean_of_items" if kind == "means" else "pooled"
    whole = {"means": "mean_of_items", "factors": "mean_of_factors"}.get(kind, part)
    lines += ["index:", f"  factor: {{rule: {part}}}"]
    if kind == "points":
        lines += ["  points: {" + ", ".join(f"{k}: {v}" for k, v in POINTS.items()) + "}"]
    if blocks:
        lines += [f"  block: {{rule: {part}}}"]
    if kind == "weights":
        parts = [f"block{at}" for at in sorted({*blocks})]
        parts = parts or [f"factor{at}" for at in range(len(factors))]
        weights = ", ".join(f"{part}: {1 + at}" for at, part in enumerate(parts))
        lines += [f"  overall: {{rule: weights, weights: {{{weights}}}}}"]
    else:
        lines += [f"  overall: {{rule: {whole}}}"]
    return "\n".join(lines) + "\n"


def write_wave(folder, seed, *, min_cell=None, year=2025, more=""):
    """Write wave.yaml, pack.yaml, units.csv and responses.csv; the same seed, the same files."""
    rng = np.random.default_rng(seed)
    is_large = rng.random() < 0.1
    n_factors = 3 if rng.random() < 0.2 else 2
    factors = [int(n) for n in rng.integers(2, 4, n_factors)]
    kind = str(rng.choice(KINDS))
    blocks = [0] * (n_factors - 1) + [1] if n_factors > 2 and rng.random() < 0.5 else []
    fewest = min_cell or (10 if rng.random() < 0.25 else 5)
    groups = GROUPS[: int(rng.integers(1, 4 if is_large else 3))]
    units = [
        (f"{group[:2]}-{at}", group)
        for group in groups
        for at in range(int(rng.integers(2, 7 if is_large else 5)))
    ]
    is_weighted, has_strata = rng.random() < 0.1, rng.random() < 0.15
    codes = [f"{chr(65 + at)}{k + 1}" for at, n in enumerate(factors) for k in range(n)]
    rows = draw_forms(rng, units, codes, fewest)
    for row in rows:
        row.update({"weight": int(rng.integers(1, 4))} if is_weighted else {})
        row.update({"stratum": row["unit"][:2]} if has_strata else {})
    pack = describe_pack(factors, kind, blocks)
    facts = {"id": f"w{seed}-{year}", "year": year, "seed": seed, "min_cell": fewest}
    write_files(folder, rows, units, pack, **facts, more=more)


def write_files(folder, rows, units, pack, *, more="", **facts):
    """Write the files of a wave: its forms, its (code, group) of units, and its pack."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_rows(folder / "responses.csv", [[*rows[0]], *(row.values() for row in rows)])
    names = [[unit, f"Đơn vị {unit}", f"Unit {unit}", group] for unit, group in units]
    _write_rows(folder / "units.csv", [["code", "name_vi", "name_en", "group"], *names])
    (folder / "pack.yaml").write_text(pack, "utf-8")
    roles = [role for role in ("form", "unit", "weight", "stratum") if role in rows[0]]
    seed, year = facts["seed"], facts["year"]
    lines = [
        f"id: {facts['id']}",
        f"title: {{vi: Khảo sát {seed}, en: Wave {seed}}}",
        f"year: {year}",
        "synthetic: 'true'",
        "instrument: pack.yaml",
        "province: {vi: tỉnh, en: province}",
        "publisher: {vi: Sở Nội vụ, en: Department}",
        f"collected: {{from: {year}-11-03, to: {year}-11-28}}",
        f"seed: {seed}",
        "responses: [{file: responses.csv}]",
        "columns: {" + ", ".join(f"{role}: {role}" for role in roles) + "}",
        "min_forms: 10",
        f"min_cell: {facts['min_cell']}",
        "outcome: WHOLE",
        more,
    ]
    (folder / "wave.yaml").write_text("\n".join(lines) + "\n", "utf-8")


def draw_forms(rng, units, codes, fewest):
    """Return forms: a third of the units is small, a twelfth of the cells is rarely answered."""
    content, blank = rng.choice([0.6, 0.8, 0.93, 0.98]), rng.choice([0, 0.03, 0.1])
    rare_items = {code for code in codes if rng.random() < 0.08}
    rows = []
    for unit, _ in units:
        n = int(rng.integers(1, 13) if rng.random() < 0.35 else rng.integers(14, 50))
        rare = [code for code in codes if rng.random() < 0.08]
        few = {code: {*rng.permutation(n)[: rng.integers(1, fewest)]} for code in rare}
        mood = rng.beta(8 * content, 8 * (1 - content))
        for person in range(n):
            own = rng.beta(4 * mood + 0.01, 4 * (1 - mood) + 0.01)
            row = {"form": f"F{len(rows)}", "unit": unit}
            row |= {"sex": rng.choice([*"mf"]), "age": rng.choice([*"abc"], p=[0.15, 0.6, 0.25])}
            for code in (*codes, "WHOLE"):
                is_content = rng.random() < own
                answer = rng.choice([4, 5] if is_content else [1, 2, 3, 3])
                is_blank = person not in few[code] if code in few else rng.random() < blank
                is_blank |= code in rare_items and rng.random() > 0.1
                row[code] = "" if is_blank else int(answer)
            rows.append(row)
    return rows


def _write_rows(path: Path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
