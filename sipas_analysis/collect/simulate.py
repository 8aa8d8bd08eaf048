"""Make a fictitious province with known parameters, for the demo and for tests of recovery.

A person has five (or nine) correlated factors and random noise for each item. The thresholds of a
unit are set for a planned share of satisfied answers. Where a published figure is reproduced, the
share is exact. No form describes a real person. All parameters are data, in ``demo.yaml``.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from scipy.special import ndtri

from sipas_analysis.collect.units import UNIT_COLUMNS
from sipas_analysis.errors import OutputError
from sipas_analysis.files import write_whole
from sipas_analysis.infer.design import Floats
from sipas_analysis.instrument.pack import Indicator, Instrument, read_instrument
from sipas_analysis.messages import LANGUAGES
from sipas_analysis.rounding import round_to_text

MOCK = {"vi": " (mô phỏng)", "en": " (synthetic)"}
BLANK_SHARE = 0.02
DOSSIER_HEADER = "ma_ho_so"  # of forms that are joined to a dossier (rule D7)
HEADERS = {"form": "so_phieu", "unit": "don_vi", "mode": "hinh_thuc", "date": "ngay"}
SAMPLE_HEADERS = {"stratum": "tang", "cluster": "cum", "weight": "trong_so"}

Levels = NDArray[np.int64]
Flags = NDArray[np.bool_]
Shares = Mapping[str, float]


class AnswerModel(TypedDict):
    """True parameters of the answers; ``demo.yaml`` explains each."""

    factor_correlation: float
    item_share: float
    steps: dict[str, float]
    drivers: dict[str, float]
    noise: float


class WaveFacts(TypedDict):
    """The facts of ``wave.yaml`` that the answers depend on."""

    instrument: str
    seed: int
    year: int
    collected: dict[str, date]
    records: NotRequired[dict[str, object]]


class Effect(TypedDict):
    """How much lower an item is in some units: its threshold is moved, in latent units.

    No answer depends on ``measure``: it names the line of the plan that tests hold against this
    truth. A test also holds that ``units`` and ``item`` are those of the wave.
    """

    measure: str
    item: str
    units: list[str]
    shift: float


class WavePlan(TypedDict):
    """How many forms each unit of a fictitious wave has, and the shares to reproduce."""

    forms: int
    range: dict[str, tuple[float, float]]
    truth_of: NotRequired[str]
    effects: NotRequired[list[Effect]]
    groups: list[str]
    wave: WaveFacts
    published: NotRequired[dict[str, str]]
    blank_forms: NotRequired[int]
    clusters: NotRequired[int]
    cluster_share: NotRequired[float]
    households: NotRequired[tuple[int, int]]


class DemoFile(TypedDict):
    """The content of ``demo.yaml``."""

    model: AnswerModel
    modes: dict[str, float]
    profile: dict[str, dict[str, float]]
    vulnerable: dict[str, float]
    units: dict[str, dict[str, tuple[str, str]]]
    waves: dict[str, WavePlan]


@dataclass(frozen=True)
class Demo:
    """One fictitious wave: its facts, the model of its answers and the list of its units."""

    name: str
    plan: WavePlan
    model: DemoFile
    units: pd.DataFrame

    @property
    def instrument(self) -> Instrument:
        """The instrument of the wave."""
        return read_instrument(self.plan["wave"]["instrument"])


@cache
def _read_demo_file() -> DemoFile:
    text = (Path(__file__).parent / "demo.yaml").read_text("utf-8")
    content: DemoFile = yaml.safe_load(text)
    return content


def build_demo(name: str = "demo", n_units: int | None = None) -> Demo:
    """Return the fictitious wave of that name, with ``n_units`` units if given.

    Units beyond the named departments and districts are numbered communes.
    """
    model = _read_demo_file()
    plan = model["waves"][name]
    rows = [
        (code, *names, group)
        for group in plan["groups"]
        for code, names in model["units"].get(group, {}).items()
    ]
    for number in range(1, (n_units or 0) - len(rows) + 1):
        names = (f"Xã số {number:03d}", f"Commune no. {number:03d}")
        rows.append((f"xa-{number:03d}", *names, "communes"))
    units = pd.DataFrame(rows[:n_units], columns=["code", "name_vi", "name_en", "group"])
    is_mock = ~units["code"].isin(plan.get("published", {}))
    for language in LANGUAGES:
        units.loc[is_mock, f"name_{language}"] += MOCK[language]
    return Demo(name, plan, model, units)


def write_demo(
    demo: Demo, folder: Path, *, forms: pd.DataFrame | None = None, replace: bool = False
) -> Path:
    """Write ``wave.yaml``, ``units.csv`` and ``responses.csv`` of a fictitious wave.

    Args:
        demo: The wave, from ``build_demo``.
        folder: Folder for the files; made if missing.
        forms: Its forms; those of ``simulate_forms`` if not given. Where they carry codes of
            dossiers, ``wave.yaml`` names the records.
        replace: Whether existing files may be replaced.

    Returns:
        The path of ``wave.yaml``. The same name and units give the same bytes.

    Raises:
        OutputError: The folder cannot be written, or already contains a wave.
    """
    for name in ("wave.yaml", "units.csv", "responses.csv"):
        if (folder / name).exists() and not replace:
            raise OutputError("exists", path=folder / name)
    forms = simulate_forms(demo) if forms is None else forms
    units = demo.units.reindex(columns=list(UNIT_COLUMNS), fill_value="")
    write_whole(folder / "units.csv", _write_csv(units))
    write_whole(folder / "responses.csv", _write_csv(forms))
    is_joined = DOSSIER_HEADER in forms
    facts: dict[str, object] = {
        **demo.plan["wave"],
        "responses": [{"file": "responses.csv"}],
        "columns": HEADERS
        | (SAMPLE_HEADERS if "clusters" in demo.plan else {})
        | ({"dossier": DOSSIER_HEADER} if is_joined else {}),
        "units": "units.csv",
        "min_forms": 20,
        "targets": [80, 95],
        "outcome": "OVERALL",
    }
    facts["synthetic"] = "true"
    if not is_joined:
        facts.pop("records", None)
    text = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False, width=100)
    head = (
        "# Dữ liệu mô phỏng, không phải kết quả khảo sát thật. / Synthetic answers, not a survey.\n"
    )
    return write_whole(folder / "wave.yaml", head + text)


def _write_csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")


def simulate_forms(demo: Demo) -> pd.DataFrame:
    """Make the forms of a fictitious wave as text, one row per form.

    Returns:
        Columns as in a file of an office: form, unit, mode, day, profile, indicators, items.
    """
    rng = np.random.Generator(np.random.PCG64(demo.plan["wave"]["seed"]))
    pack = demo.instrument
    item_shift = rng.normal(0, 0.12, len(pack.items))
    parts = [_simulate_unit(demo, unit, item_shift, rng) for unit in demo.units.to_dict("records")]
    frame = pd.concat(parts, ignore_index=True)
    blank = rng.choice(len(frame), demo.plan.get("blank_forms", 0), replace=False)
    empty = frame.iloc[np.sort(blank)].assign(**dict.fromkeys([*pack.items, "OVERALL"], ""))
    frame = pd.concat([frame, empty], ignore_index=True)
    frame.insert(0, "so_phieu", [f"P{number:06d}" for number in range(1, len(frame) + 1)])
    return frame


def _simulate_unit(
    demo: Demo, unit: Mapping[Hashable, str], item_shift: Floats, rng: np.random.Generator
) -> pd.DataFrame:
    """Make the forms of one unit with its planned share of satisfied answers."""
    plan, pack, n = demo.plan, demo.instrument, demo.plan["forms"]
    low, high = plan["range"][unit["group"]]
    drawn = f"{rng.uniform(low, high):.2f}"
    shares = (
        _find_true_shares(plan["truth_of"]) if "truth_of" in plan else plan.get("published", {})
    )
    target = shares.get(unit["code"], drawn)
    latent = _draw_latents(demo, pack, n, rng)
    share = np.clip(float(target) / 100, 0.02, 0.995)
    threshold = ndtri(1 - share) * np.ones(len(pack.items)) + item_shift
    above = latent - threshold
    levels = _cut_levels(above, demo.model["model"]["steps"])
    blank = _draw_blanks(levels.shape, target, rng)
    levels = levels if "truth_of" in plan else _meet_target(levels, above, blank, target)
    levels = _lower_items(demo, unit["code"], levels, above)
    overall = _simulate_overall(demo, pack, np.where(blank, np.nan, levels), rng)
    blank_texts = np.where(rng.random(blank.shape) < 0.3, "9", "")
    texts = np.where(blank, blank_texts, levels.astype(str))
    beside = _simulate_beside(demo, pack, unit["code"], n, rng)
    items = pd.DataFrame(texts, columns=[*pack.items])
    skipped = rng.random(n) < BLANK_SHARE / 2
    items["OVERALL"] = np.where(skipped, "", overall.astype(str))
    return pd.concat([beside, items], axis=1)


def _simulate_overall(
    demo: Demo, pack: Instrument, answers: Floats, rng: np.random.Generator
) -> Levels:
    """Return the level nearest to Σ coefficient · factor score + noise.

    The scores are those that ``drivers`` computes. With latent scores, a factor without effect
    would get a coefficient, because of the measurement errors of correlated factors.
    """
    model, table = demo.model["model"], pd.DataFrame(answers, columns=[*pack.items])
    by_factor = {code: table[pack.items_of(code)].mean(axis=1) for code in model["drivers"]}
    scores = pd.DataFrame(by_factor).T.fillna(table.mean(axis=1)).T
    whole = scores @ pd.Series(model["drivers"]) + rng.normal(0, model["noise"], len(scores))
    return np.asarray(np.clip(np.rint(whole), pack.scale.low, pack.scale.high).astype(int))


def _correlate_factors(demo: Demo, n_factors: int) -> Floats:
    """Return the correlation matrix of the latent factors, shape (f, f)."""
    rho = demo.model["model"]["factor_correlation"]
    return np.full((n_factors, n_factors), rho) + (1 - rho) * np.eye(n_factors)


def _draw_latents(demo: Demo, pack: Instrument, n: int, rng: np.random.Generator) -> Floats:
    """Draw item latents (n, k) with variance 1 from correlated factors; hamlets share a part."""
    plan, n_factors = demo.plan, len(pack.factors)
    root = np.linalg.cholesky(_correlate_factors(demo, n_factors))
    factors = rng.normal(size=(n, n_factors)) @ root.T
    if "clusters" in plan:
        shared = plan["cluster_share"]
        hamlet = np.repeat(rng.normal(size=plan["clusters"]), n // plan["clusters"])
        factors = np.sqrt(1 - shared) * factors + np.sqrt(shared) * hamlet[:, None]
    factor_codes = list(pack.factors)
    columns = [factor_codes.index(item.factor) for item in pack.items.values()]
    share = demo.model["model"]["item_share"]
    noise = rng.normal(size=(n, len(columns)))
    return np.asarray(np.sqrt(share) * factors[:, columns] + np.sqrt(1 - share) * noise)


def _cut_levels(above: Floats, steps: Shares) -> Levels:
    """Return levels 1 to 5 from the distance above the threshold of level 4."""
    thresholds = (steps["2"], steps["3"], 0.0, steps["5"])
    return np.asarray(1 + sum((above > threshold).astype(int) for threshold in thresholds))


def _lower_items(demo: Demo, unit: str, levels: Levels, above: Floats) -> Levels:
    """Lower the answers to the items that are truly lower in this unit."""
    lowered = levels.copy()
    for effect in demo.plan.get("effects", []):
        if unit in effect["units"]:
            column = [*demo.instrument.items].index(effect["item"])
            below = above[:, [column]] + effect["shift"]
            lowered[:, [column]] = _cut_levels(below, demo.model["model"]["steps"])
    return lowered


@cache
def _find_true_shares(name: str) -> dict[str, str]:
    """Return the percentage of satisfied answers that a wave was made to give each unit."""
    demo = build_demo(name)
    forms = simulate_forms(demo)
    answers = forms[[*demo.instrument.items]]
    n_satisfied, n_valid = (
        answers.isin(levels).sum(axis=1).groupby(forms["don_vi"]).sum()
        for levels in (["4", "5"], [*"12345"])
    )
    percent = 100 * n_satisfied / n_valid
    return {str(code): f"{percent[code]:.2f}" for code in percent.index}


def _draw_blanks(shape: tuple[int, ...], target: str, rng: np.random.Generator) -> Flags:
    """Choose about 2 % of the cells as blank, in a number with which N/D prints as ``target``."""
    total = shape[0] * shape[1]
    expected = round(BLANK_SHARE * total)
    nearest_first = sorted(range(2 * expected + 1), key=lambda n: abs(n - expected))
    fitting = (n for n in nearest_first if _count_satisfied(total - n, target) is not None)
    blank = np.zeros(total, dtype=bool)
    blank[rng.choice(total, next(fitting, expected), replace=False)] = True
    return blank.reshape(shape)


def _count_satisfied(n_answers: int, target: str) -> int | None:
    """Return how many of ``n_answers`` print as ``target`` percent, if any number does."""
    n = round(float(target) / 100 * n_answers)
    return n if round_to_text(100 * n / n_answers, n, n_answers) == target else None


def _meet_target(levels: Levels, above: Floats, blank: Flags, target: str) -> Levels:
    """Move the answers nearest to the threshold so that the share is exact."""
    n_valid = int((~blank).sum())
    exact = _count_satisfied(n_valid, target)
    wanted = round(float(target) / 100 * n_valid) if exact is None else exact
    excess = int(((levels >= 4) & ~blank).sum()) - wanted
    movable = ((levels >= 4) if excess > 0 else (levels < 4)) & ~blank
    distance = np.where(movable, np.abs(above), np.inf).ravel()
    nearest = np.argsort(distance, kind="stable")[: abs(excess)]
    moved = levels.copy().ravel()
    moved[nearest] = 3 if excess > 0 else 4
    return moved.reshape(levels.shape)


def _simulate_beside(
    demo: Demo, pack: Instrument, unit: str, n: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Make the columns other than items: unit, mode, day, sample, profile, indicators."""
    plan, model = demo.plan, demo.model
    first, last = plan["wave"]["collected"]["from"], plan["wave"]["collected"]["to"]
    days = [first + timedelta(int(k)) for k in rng.integers(0, (last - first).days + 1, n)]
    frame = pd.DataFrame({"don_vi": unit}, index=range(n))
    frame["hinh_thuc"] = _draw_choices(model["modes"], n, rng)
    frame["ngay"] = [day.strftime("%d/%m/%Y") for day in days]
    if "clusters" in plan:
        n_clusters = plan["clusters"]
        households = rng.integers(*plan["households"])
        frame["tang"] = unit
        frame["cum"] = np.repeat([f"ap-{k + 1}" for k in range(n_clusters)], n // n_clusters)
        hamlet = np.repeat(rng.uniform(0.7, 1.3, n_clusters), n // n_clusters)
        frame["trong_so"] = np.round(households / n * hamlet / hamlet.mean(), 2).astype(str)
    for code, shares in model["profile"].items():
        frame[code] = _draw_choices(shares, n, rng)
    vulnerable = pd.DataFrame(
        {code: rng.random(n) < share for code, share in model["vulnerable"].items()}
    )
    frame["vulnerable"] = [";".join(vulnerable.columns[row]) for row in vulnerable.to_numpy()]
    for code, indicator in pack.indicators.items():
        if indicator.group != "profile":
            frame[code] = _draw_choices(_share_out_levels(indicator), n, rng)
    if "apology" in frame:
        frame.loc[frame["late"] == "no", "apology"] = ""
    return frame


def _share_out_levels(indicator: Indicator) -> dict[str, float]:
    """Return the share of each level; the first is large, or the last if the first is counted."""
    levels = list(indicator.levels)
    first_share = 0.8 if indicator.group != "need" else 0.1
    shares = [first_share] + [(1 - first_share) / (len(levels) - 1)] * (len(levels) - 1)
    order = levels if indicator.counted != (levels[0],) else levels[::-1]
    return dict(zip(order, shares, strict=True))


def _draw_choices(shares: Shares, n: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """Draw ``n`` choices with the given shares."""
    weights = np.array(list(shares.values()))
    return rng.choice(np.array(list(shares), dtype=object), n, p=weights / weights.sum())
