"""Make the fictitious dossiers and movements of the demo, with truths that tests look for.

Nothing here describes a real dossier, official or office. All parameters are data, in
``demo.yaml``. Each step takes a share of the legal limit in working seconds, so that a dossier is
a sum of durations and all stamps are read from the working calendar at once.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from sipas_analysis.collect.simulate import Demo, Flags, Levels
from sipas_analysis.infer.design import Floats

HOUR = 3600
GRID = 600  # stamps of the simulation lie on whole five minutes
LIMIT_HOURS = {"Giờ": 1.0, "Ngày làm việc": 8.0, "Ngày": 8.0 * 5 / 7, "Tháng": 8.0 * 21, "": 0.0}

Truths = dict[str, Any]  # the content of ``demo.yaml``
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Draft:
    """Dossiers while they are made: one row each; matrices have one column for each step.

    Attributes:
        dossiers: Unit, procedure and end of each dossier.
        work: Working seconds of each step, shape (n, steps); 0 where it is left out.
        waits: Working seconds that pass before it.
        is_taken: Whether the dossier goes through the step.
        sections: Name of the section of each step.
        handlers: Code of the official of each step.
    """

    dossiers: pd.DataFrame
    work: Levels
    waits: Levels
    is_taken: Flags
    sections: Texts
    handlers: Texts


@cache
def read_truths() -> Truths:
    """Return the content of ``demo.yaml``."""
    content: Truths = yaml.safe_load((Path(__file__).parent / "demo.yaml").read_text("utf-8"))
    return content


def list_procedures(demo: Demo) -> pd.DataFrame:
    """Return the procedures of each unit: code, names, limit, section and what makes them slow."""
    truths = read_truths()
    kinds = demo.units["group"].where(demo.units["group"].isin(truths["procedures"]), "districts")
    rows = [
        {
            "is_hard": False,
            "field": truths["fields"].get(unit, ""),
            **entry,
            "agency": unit,
            "code": f"{number:02d}.{entry['code']}",
            "section": truths["sections"][kind][entry["section"] - 1],
        }
        for number, (unit, kind) in enumerate(zip(demo.units["code"], kinds, strict=True), 1)
        for entry in truths["procedures"][kind]
    ]
    table = pd.DataFrame(rows)
    hours = pd.to_numeric(table["limit"]).fillna(0) * table["unit"].map(LIMIT_HOURS)
    table["seconds"] = HOUR * hours.where(hours > 0, 8.0 * truths["nominal_days"])
    return table


def draft_dossiers(demo: Demo, forms: pd.DataFrame, n: int, rng: np.random.Generator) -> Draft:
    """Draw dossiers and how long each step of them takes.

    Args:
        demo: The fictitious wave.
        forms: Its forms as text: the tempo of a unit goes with their answers to ``tempo_item``.
        n: Number of dossiers.
        rng: The source of chance.
    """
    dossiers = _draw_dossiers(demo, forms, n, rng)
    is_taken = _draw_steps(dossiers, rng)
    sections = _name_sections(dossiers)
    officials = _draw_officials(dossiers, rng)
    work = _draw_work(dossiers, officials, rng)
    waits = _draw_waits(dossiers, work.shape, rng)
    numbers = dossiers["unit_number"].to_numpy()
    return Draft(
        dossiers,
        GRID * (is_taken * np.maximum(np.rint(work / GRID), 1)).astype(np.int64),
        GRID * (is_taken * np.rint(waits / GRID)).astype(np.int64),
        is_taken,
        sections,
        _name_officials(numbers, sections, officials),
    )


def _draw_waits(dossiers: pd.DataFrame, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return the working seconds that pass before each step but the first."""
    wait = read_truths()["wait"]
    parts = (rng.random(shape) < wait["share"]) * rng.exponential(wait["of_limit"], shape)
    parts[:, 0] = 0
    return np.asarray(parts * dossiers[["seconds"]].to_numpy())


def _draw_dossiers(
    demo: Demo, forms: pd.DataFrame, n: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw unit, procedure, channel and end of each dossier."""
    truths, table = read_truths(), list_procedures(demo)
    n_units = len(demo.units)
    sizes = np.exp(rng.normal(0, truths["size_spread"], n_units))
    sizes *= demo.units["code"].map(truths["larger"]).fillna(1).to_numpy()
    number = rng.choice(n_units, n, p=sizes / sizes.sum())
    table["unit_number"] = table["agency"].map({c: k for k, c in enumerate(demo.units["code"])})
    shares = table.groupby("unit_number")["share"].cumsum()
    position = np.searchsorted(table["unit_number"] + shares, number + rng.random(n))
    dossiers = table.iloc[np.minimum(position, len(table) - 1)].reset_index(drop=True)
    tempo = _draw_tempo(demo, forms, rng)[dossiers["unit_number"]]
    work = truths["work"]
    speed = work["mean"] * np.exp(rng.normal(0, work["spread"], n)) * dossiers["load"] * tempo
    dossiers["allotted"] = dossiers["seconds"] * speed
    channels = pd.Series(truths["channel"])
    dossiers["channel"] = rng.choice(channels.index.to_numpy(dtype=object), n, p=channels)
    not_online = (dossiers["channel"] == "online") & (dossiers["online"] == 0)
    dossiers.loc[not_online, "channel"] = "direct"
    ends = {"finished": 1 - sum(truths["ends"].values()), **truths["ends"]}
    dossiers["end"] = rng.choice(np.array([*ends], dtype=object), n, p=[*ends.values()])
    return dossiers


def _draw_tempo(demo: Demo, forms: pd.DataFrame, rng: np.random.Generator) -> Floats:
    """Return how slow each unit is: exp(spread · z), where z goes with what its forms say."""
    truths = read_truths()
    answers = pd.to_numeric(forms[str(truths["tempo_item"])], errors="coerce")
    means = answers.where(answers <= 5).groupby(forms["don_vi"]).mean()
    means = means.reindex(demo.units["code"])
    told = ((means.mean() - means) / means.std()).fillna(0).to_numpy()
    rho = truths["tempo"]["told"]
    z = rho * told + np.sqrt(1 - rho**2) * rng.normal(size=len(told))
    return np.asarray(np.exp(truths["tempo"]["spread"] * z))


def _draw_steps(dossiers: pd.DataFrame, rng: np.random.Generator) -> Flags:
    """Return whether each dossier goes through each step."""
    truths, n = read_truths(), len(dossiers)
    ended = {end: (dossiers["end"] == end).to_numpy() for end in ("finished", "stopped")}
    loops = {
        kind: rng.random(n) < dossiers[kind].to_numpy(float) for kind in ("supplement", "payment")
    }
    conditions = {**ended, **loops, "": np.ones(n, dtype=bool)}
    is_taken = np.column_stack(
        [conditions[step.get("after", step.get("pause", ""))] for step in truths["steps"]]
    )
    last = np.where(ended["finished"], is_taken.shape[1], rng.integers(2, 5, n))
    last = np.where(dossiers["end"] == "refused", -1, last)
    is_before = np.arange(is_taken.shape[1]) <= last[:, None]
    is_before[:, -1] = ended["stopped"]
    return np.asarray(is_taken & is_before)


def _name_sections(dossiers: pd.DataFrame) -> Texts:
    """Return the name of the section of each step, shape (n, steps)."""
    names = [step["section"] for step in read_truths()["steps"]]
    own = dossiers["section"].to_numpy(dtype=object)
    return np.column_stack(
        [own if name == "own" else np.full(len(own), name, dtype=object) for name in names]
    )


def _draw_officials(dossiers: pd.DataFrame, rng: np.random.Generator) -> Levels:
    """Return the number of the official of each step; two have more than others."""
    truths, n = read_truths(), len(dossiers)
    sizes = truths["officials"]
    kinds = [step["section"] for step in truths["steps"]]
    drawn = {kind: rng.integers(1, size + 1, n) for kind, size in sizes.items()}
    honest = truths["truths"]["honest_official"]
    is_there = _find_place(dossiers, honest)
    others = rng.integers(0, sizes["own"] - 1, n)
    others += others + 1 >= honest["official"]
    takes = np.where(dossiers["is_hard"], honest["hard_share"], 1 - honest["hard_share"])
    is_honest = rng.random(n) < takes
    own = np.where(is_honest, honest["official"], others + 1)
    drawn["own"] = np.where(is_there, own, drawn["own"])
    late = truths["truths"]["late_official"]
    takes = _find_place(dossiers, late) & (rng.random(n) < late["share"])
    drawn["own"] = np.where(takes, late["official"], drawn["own"])
    return np.column_stack([drawn[kind] for kind in kinds])


def _find_place(dossiers: pd.DataFrame, place: Truths) -> Flags:
    """Return which dossiers are those of a unit's section."""
    is_there = (dossiers["agency"] == place["unit"]) & (dossiers["section"] == place["section"])
    return np.asarray(is_there)


def _draw_work(dossiers: pd.DataFrame, officials: Levels, rng: np.random.Generator) -> Floats:
    """Return the working seconds of each step, shape (n, steps), with what is planted in them."""
    truths, shape = read_truths(), officials.shape
    shares = np.array([step.get("share", 0.0) for step in truths["steps"]])
    noise = np.exp(rng.normal(0, truths["work"]["step_spread"], shape))
    work = dossiers[["allotted"]].to_numpy() * shares * noise
    planted = truths["truths"]
    names = np.array([step["name"] for step in truths["steps"]])
    is_own = np.array([step["section"] == "own" for step in truths["steps"]])
    work[:, names == planted["slow_step"]] *= planted["slow_step_factor"]
    slow, late = planted["slow_section"], planted["late_official"]
    work *= np.where(_find_place(dossiers, slow)[:, None] & is_own, slow["factor"], 1.0)
    is_late = _find_place(dossiers, late)[:, None] & is_own & (officials == late["official"])
    work *= np.where(is_late, late["factor"], 1.0)
    return np.asarray(work + _draw_pauses(shape, rng))


def _draw_pauses(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return the working seconds of the steps that are pauses or follow the work."""
    truths, n = read_truths(), shape[0]
    pauses = np.zeros(shape)
    for column, step in enumerate(truths["steps"]):
        if "pause" in step:
            pauses[:, column] = rng.exponential(HOUR * truths["pause_hours"][step["pause"]], n)
            if step["pause"] == "supplement":
                pauses[rng.random(n) < truths["endless_pause"], column] = np.inf
        elif step["state"] == 9:
            pauses[:, column] = rng.exponential(HOUR * truths["hold_hours"], n)
        elif step["state"] == 8:
            pauses[:, column] = np.inf
    return np.minimum(pauses, HOUR * 8 * 200)


def _name_officials(numbers: Levels, sections: Texts, officials: Levels) -> Texts:
    """Return the code of each official: number of the unit, of the section and of the person."""
    codes, _ = pd.factorize(sections.ravel(), sort=True)
    parts = (np.repeat(numbers + 1, sections.shape[1]), codes, officials.ravel())
    whole = parts[0] * 1000 + parts[1] * 100 + parts[2]
    return np.char.add("CC", whole.astype(str)).astype(object).reshape(sections.shape)
