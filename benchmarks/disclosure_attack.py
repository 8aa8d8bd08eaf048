"""Attack the published files of random waves with small groups: which hidden numbers follow.

    python benchmarks/disclosure_attack.py [--waves 500] [--package FOLDER] [--label after]
                                           [--kind editions]

Waves are drawn by ``tests/recovery/small_groups.py`` and attacked by
``tests/recovery/attacker.py``, which imports nothing of ``sipas_analysis``. ``--package`` is a
checkout whose program publishes them (this one if left out). ``--merged`` lets it merge the levels
of items, which it does by itself only where many are hidden: another way of search. Beside it the
information that the tables lose (people times importance) is set against the least that any choice
of hidden figures must lose, on waves of two or three units.
``--kind`` attacks smaller waves (``small_series.py``) with ``wider_attacker.py``: two ``editions``
of a wave, two ``years`` with their changes, or all tables of a run (``folder``).
Adds its rows to benchmarks/results/disclosure.csv, one for each label; docs/disclosure.md shows it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain, product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "disclosure.csv"
sys.path.insert(0, str(ROOT / "tests" / "recovery"))
import attacker  # noqa: E402
import small_groups  # noqa: E402
import small_series  # noqa: E402
import wider_attacker  # noqa: E402

IMPORTANCE = {"factor": 3.0, "block": 5.0, "overall": 10.0}  # as figures/disclosure_cells.py
PARTS = ("scores", "respondents", "people", "counts")
PUBLISH = """
import sys
from pathlib import Path
import sipas_analysis as sipas
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.identified import concat_figures
from sipas_analysis.figures import suppression
from sipas_analysis.figures.published import Figures
if %r:
    suppression.MOST_BY_LEVEL = -1
for folder in map(Path, sys.argv[1:]):
    figures = Figures(sipas.read_survey(sipas.read_wave(folder / "wave.yaml")))
    parts = [figures._part(name) for name in %r]
    tables = figures.tables(("scores",)) | {"figures": concat_figures(parts)}
    write_tables(tables, folder / "tables")
"""


def publish(folders, package, *, is_merged=False):
    """Write the tables of waves with the program of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PUBLISH % (is_merged, PARTS), *map(str, folders)]
    subprocess.run(command, env=environment, check=True, cwd="/")


def attack_waves(seeds, folder, package, is_merged):
    """Draw waves, publish them, and count what an outsider or a contributor finds in each."""
    folders = [folder / f"{seed}" for seed in seeds]
    for seed, place in zip(seeds, folders, strict=True):
        small_groups.write_wave(place, seed)
    unpublished = [place for place in folders if not (place / "tables").exists()]
    publish(unpublished, package, is_merged=is_merged)
    return [{"seed": seed} | attack_once(place) for seed, place in zip(seeds, folders, strict=True)]


def attack_once(folder, attack=None):
    """Attack one wave, unless the counts of an earlier, interrupted run stand in its folder."""
    path = folder / "attack.json"
    if not path.exists():
        path.write_text(json.dumps((attack or attack_scores)(folder)), "utf-8")
    return json.loads(path.read_text("utf-8"))


def attack_kind(seeds, folder, package, kind):
    """Draw waves that are published twice, or in whole, publish and attack them."""
    write = {"editions": small_series.write_editions, "years": small_series.write_years}
    folders = [folder / f"{seed}" for seed in seeds]
    left = [place for place in folders if not (place / "attack.json").exists()]
    for place in left:
        write.get(kind, small_series.write_small_wave)(place, int(place.name))
    environment = os.environ | {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "tests/recovery/publications.py"), kind, *map(str, left)]
    if left:
        subprocess.run(command, env=environment, check=True)
    work = partial(attack_wider, kind=kind)
    return [{"seed": seed} | attack_once(folder / f"{seed}", work) for seed in seeds]


def attack_wider(folder, kind):
    """Count hidden numbers of what was published, and those found; apart where it was warned of."""
    counts, prefix = Counter(), ""
    if kind == "editions":
        said = json.loads((folder / "second" / "warnings.json").read_text("utf-8"))
        counts["warned_waves"], prefix = int(bool(said)), "warned_" if said else ""
    targets, found, *_ = getattr(wider_attacker, f"attack_{kind}")(folder)
    for target in targets:
        counts[f"hidden_{target.kind}_{_size_of(target)}"] += 1
    for who, target in found:
        reader = "outsider" if who == "outsider" else "contributor"
        counts[f"{prefix}{reader}_{target.kind}_{_size_of(target)}"] += 1
    if kind == "folder":
        reader = attacker.Reader(folder, folder / "tables")
        counts["printed"] = len(wider_attacker.find_printed(reader))
        counts["differences"] = len(attacker.find_by_keys(reader))
        counts["differences"] += len(wider_attacker.find_own_differences(reader))
    return dict(counts)


def _size_of(target):
    return "small" if target.is_small else "beside"


def attack_scores(folder):
    """Count hidden numbers of one wave, and those that somebody finds, by kind of attack."""
    reader = attacker.Reader(folder, folder / "tables")
    targets = attacker.list_targets(reader)
    counts = Counter()
    for target in targets:
        counts[f"hidden_{target.kind}_{_size_of(target)}"] += 1
    for who, target in attacker.find_disclosed(reader):
        reader_kind = "outsider" if who == "outsider" else "contributor"
        counts[f"{reader_kind}_{target.kind}_{_size_of(target)}"] += 1
    for _, people in attacker.find_by_moments(reader):
        counts["moments_" + ("small" if people < reader.fewest else "beside")] += 1
    counts["differences"] = len(attacker.find_by_keys(reader))
    return dict(counts)


def measure_losses(folder):
    """Return people × importance of all, small, hidden figures, and of the best choice."""
    reader = attacker.Reader(folder, folder / "tables")
    table, cost, matrix, room, width, unit = describe_figures(reader)
    is_hidden = (table["value"].isna()).to_numpy()
    is_small = (table["people"] < reader.fewest).to_numpy()
    best = find_best_choice(cost, matrix, room, width, unit, is_small)
    losses = {"all": cost.sum(), "small": cost[is_small].sum(), "hidden": cost[is_hidden].sum()}
    return losses | {"best": cost @ best if best is not None else np.nan}


def describe_figures(reader):
    """Return figures over cells of satisfied people: costs, sums, answers, widths, units."""
    units, items = [*reader.group], reader.asked
    place = {pair: at for at, pair in enumerate(product(units, items))}
    frame, rows, sums = reader.forms.set_index("unit"), [], []
    for row in reader.scores.itertuples():
        codes = [row.variable] if row.variable in items else reader.parts.get(row.variable, [])
        members = reader.members(row)
        answers = frame.loc[frame.index.isin(members), codes]
        people = int(answers.notna().any(axis=1).sum())
        if not people:
            continue
        base = int(answers.notna().sum().sum())
        rows.append({"level": row.level, "value": row.value, "people": people, "base": base})
        sums.append([place[unit, code] for unit in members for code in codes])
    table = pd.DataFrame(rows)
    ones = [(1.0, at, cell) for at, cells in enumerate(sums) for cell in cells]
    value, row, column = zip(*ones, strict=True)
    matrix = sparse.csr_array((value, (row, column)), shape=(len(table), len(place)))
    answers = frame[items].notna().groupby(level=0).sum().loc[units].to_numpy().ravel()
    cost = (table["people"] * table["level"].map(IMPORTANCE).fillna(1.0)).to_numpy()
    width = np.minimum(table["base"], reader.fewest).to_numpy(dtype=float)
    fall = (frame[items] >= 4).groupby(level=0).sum().loc[units].to_numpy().ravel()
    unit = np.repeat(np.arange(len(units)), len(items))
    return table, cost, matrix, np.array([-fall, answers - fall], dtype=float), width, unit


def find_best_choice(cost, matrix, room, width, unit, is_small):  # noqa: PLR0917
    """Return the cheapest choice of hidden figures that leaves every hidden one wide enough.

    For each figure two tables agree with everything shown and differ by its width, if it is
    hidden; for each figure of few people and each unit that has no part in it, two more that agree
    in that unit. Tables need not be whole numbers: the least loss of whole ones is not lower. None
    if the search does not end in time.
    """
    n_figures, n_cells = matrix.shape
    none = np.zeros((n_figures, n_cells))
    dense = matrix.toarray()
    searches = [(at, -1) for at in range(n_figures)]
    for at in np.flatnonzero(is_small):
        own = {*unit[matrix[[at]].indices].tolist()}
        searches += [(at, reader) for reader in {*unit.tolist()} - own]
    reach, n = matrix @ (room[1] - room[0]), n_figures + 2 * len(searches) * n_cells
    eye, blocks, lows, highs = sparse.eye_array(n_figures, format="csr"), [], [], []
    empty = sparse.csr_array((n_figures, n - n_figures))
    shown = sparse.hstack([sparse.diags_array(reach), empty])
    for k, (at, _) in enumerate(searches):
        own = slice(n_figures + 2 * k * n_cells, n_figures + 2 * (k + 1) * n_cells)
        for pair in (np.hstack([dense, none]), np.hstack([none, dense])):
            change = sparse.lil_array((n_figures, n))
            change[:, own] = pair
            blocks += [change.tocsr() - shown, change.tocsr() + shown]
            lows += [np.full(n_figures, -np.inf), np.zeros(n_figures)]
            highs += [np.zeros(n_figures), np.full(n_figures, np.inf)]
        wide = sparse.lil_array((1, n))
        wide[:, own] = np.hstack([dense[[at]], -dense[[at]]])
        wide[:, :n_figures] = -width[at] * eye[[at]]
        blocks, lows, highs = [*blocks, wide.tocsr()], [*lows, [0.0]], [*highs, [np.inf]]
    rows = LinearConstraint(sparse.vstack(blocks), np.concatenate(lows), np.concatenate(highs))
    ends = np.hstack([np.tile(room * (unit != reader), 2) for _, reader in searches])
    bounds = Bounds(np.r_[is_small, ends[0]], np.r_[np.ones(n_figures), ends[1]])
    whole = np.r_[np.ones(n_figures), np.zeros(n - n_figures)]
    aim = np.r_[cost, np.zeros(n - n_figures)]
    options = {"time_limit": 20.0, "mip_rel_gap": 0.01}
    result = milp(aim, integrality=whole, bounds=bounds, constraints=rows, options=options)
    return result.x[:n_figures].round() if result.status == 0 else None


def parse_arguments():
    """Return the arguments of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waves", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--optimum", type=int, default=40, help="waves set against the optimum")
    parser.add_argument("--package", type=Path, default=ROOT)
    parser.add_argument("--label", default="after")
    parser.add_argument("--folder", type=Path, help="keeps waves, tables and counts: resumes")
    parser.add_argument("--merged", action="store_true", help="levels of all items are merged")
    parser.add_argument("--kind", choices=["editions", "years", "folder"])
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


def main():
    """Attack the waves and add a row to the table of results."""
    facts, start = parse_arguments(), time.perf_counter()
    with TemporaryDirectory() as temporary:
        folder = facts.folder or Path(temporary)
        seeds = np.arange(facts.first, facts.first + facts.waves)
        parts = [part.tolist() for part in np.array_split(seeds, max(1, len(seeds) // 10))]
        work = partial(attack_waves, folder=folder, package=facts.package, is_merged=facts.merged)
        if facts.kind:
            work = partial(attack_kind, folder=folder, package=facts.package, kind=facts.kind)
        with ProcessPoolExecutor(facts.jobs) as pool:
            found = pd.DataFrame([*chain(*pool.map(work, parts))]).fillna(0)
            places = [] if facts.kind else [folder / f"{seed}" for seed in seeds.tolist()]
            small = [
                place for place in places if _is_pooled(place) and len(_list_units(place)) <= 3
            ]
            losses = [*pool.map(measure_losses, small[: facts.optimum])]
            losses = pd.DataFrame(losses, columns=["all", "small", "hidden", "best"]).dropna()
    totals = found.drop(columns="seed").sum().astype(int).to_dict()
    shares = (100 * losses.div(losses["all"], axis=0).mean()).round(1).add_prefix("lost_percent_")
    row = {"label": facts.label, "waves": len(found), **totals, "optimum_waves": len(losses)}
    row |= shares.drop("lost_percent_all").to_dict()
    save_row(row)
    print(pd.Series(row).to_string(), f"\n{time.perf_counter() - start:.0f} s")


def _is_pooled(folder):
    pack, wave = ((folder / name).read_text("utf-8") for name in ("pack.yaml", "wave.yaml"))
    return "points:" not in pack and "overall: {rule: pooled}" in pack and "weight:" not in wave


def _list_units(folder):
    return (folder / "units.csv").read_text("utf-8").splitlines()[1:]


def save_row(row):
    """Write the row in place of an earlier one of its label."""
    old = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame({"label": []})
    table = pd.concat([old[old["label"] != row["label"]], pd.DataFrame([row])])
    counts = [name for name in table if not name.startswith("lost_percent")]
    table[counts] = table[counts].fillna(0)
    table.to_csv(RESULTS, index=False)


if __name__ == "__main__":
    main()
