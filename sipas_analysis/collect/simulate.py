"""Make a fictitious province with known truth, for the demo and for tests that look for it.

People have one disposition, five (or nine) correlated factors and a noise for each item; a unit's
thresholds give it the share of satisfied answers that it shall have, to the last answer where a
published figure is to be met. Nothing here describes a real person. All numbers of the model
are data, in ``demo.yaml``.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy.stats import norm

from sipas_analysis.errors import OutputError
from sipas_analysis.files import write_whole
from sipas_analysis.infer.estimates import round_to_text
from sipas_analysis.instrument.pack import Instrument, read_instrument

MOCK = {"vi": " (mô phỏng)", "en": " (synthetic)"}
BLANK_SHARE = 0.02


@dataclass(frozen=True)
class Demo:
    """One fictitious wave: its facts, the model of its answers and the list of its units."""

    name: str
    plan: Mapping[str, Any]
    model: Mapping[str, Any]
    units: pd.DataFrame

    @property
    def instrument(self) -> Instrument:
        """The questionnaire asked."""
        return read_instrument(self.plan["wave"]["instrument"])


@cache
def _demo_file() -> dict[str, Any]:
    text = (Path(__file__).parent / "demo.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def build_demo(name: str = "demo", n_units: int | None = None) -> Demo:
    """Return the fictitious wave of that name, with so many units if asked.

    Units beyond the named departments and districts are numbered communes.
    """
    known = _demo_file()
    plan = known["waves"][name]
    rows = [
        (code, *names, group)
        for group in plan["groups"]
        for code, names in known["units"].get(group, {}).items()
    ]
    for number in range(1, (n_units or 0) - len(rows) + 1):
        names = (f"Xã số {number:03d}", f"Commune no. {number:03d}")
        rows.append((f"xa-{number:03d}", *names, "communes"))
    units = pd.DataFrame(rows[:n_units], columns=["code", "name_vi", "name_en", "group"])
    mock = ~units["code"].isin(plan.get("published", {}))
    for language in ("vi", "en"):
        units.loc[mock, f"name_{language}"] += MOCK[language]
    return Demo(name, plan, known, units)


def write_demo(made: Demo, folder: Path, *, replace: bool = False) -> Path:
    """Write ``wave.yaml``, ``units.csv`` and ``responses.csv`` of a fictitious wave.

    Args:
        made: The wave, from ``demo``.
        folder: Where to; made if missing.
        replace: Whether files that exist may be replaced.

    Returns:
        The path of ``wave.yaml``. Same name and units, same bytes.

    Raises:
        OutputError: The folder cannot be written, or holds a wave already.
    """
    for name in ("wave.yaml", "units.csv", "responses.csv"):
        if (folder / name).exists() and not replace:
            raise OutputError("exists", path=folder / name)
    forms = simulate_forms(made)
    units = made.units.reindex(
        columns=[
            "code",
            "name_vi",
            "name_en",
            "group",
            "parent",
            "valid_from",
            "valid_to",
            "clients",
            "aliases",
        ],
        fill_value="",
    )
    write_whole(folder / "units.csv", _csv(units))
    write_whole(folder / "responses.csv", _csv(forms))
    roles = {"form": "so_phieu", "unit": "don_vi", "mode": "hinh_thuc", "date": "ngay"}
    design = {"stratum": "tang", "cluster": "cum", "weight": "trong_so"}
    if "clusters" in made.plan:
        roles |= design
    facts = made.plan["wave"] | {
        "responses": [{"file": "responses.csv"}],
        "columns": roles,
        "units": "units.csv",
        "min_forms": 20,
        "targets": [80, 95],
        "outcome": "OVERALL",
    }
    facts["synthetic"] = "true"
    text = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False, width=100)
    head = (
        "# Dữ liệu mô phỏng, không phải kết quả khảo sát thật. / Synthetic answers, not a survey.\n"
    )
    return write_whole(folder / "wave.yaml", head + text)


def _csv(frame: pd.DataFrame) -> str:
    out = io.StringIO()
    frame.to_csv(out, index=False, lineterminator="\n")
    return out.getvalue()


def simulate_forms(made: Demo) -> pd.DataFrame:
    """Make the forms of a fictitious wave as text, one row per form.

    Returns:
        Columns as an office's file has them: form, unit, mode, day, profile, indicators, items.
    """
    rng = np.random.Generator(np.random.PCG64(made.plan["wave"]["seed"]))
    pack = made.instrument
    tilt = rng.normal(0, 0.12, len(pack.items))
    parts = [_unit_forms(made, pack, unit, tilt, rng) for unit in made.units.to_dict("records")]
    frame = pd.concat(parts, ignore_index=True)
    blank = rng.choice(len(frame), made.plan.get("blank_forms", 0), replace=False)
    empty = frame.iloc[np.sort(blank)].assign(**dict.fromkeys([*pack.items, "OVERALL"], ""))
    frame = pd.concat([frame, empty], ignore_index=True)
    frame.insert(0, "so_phieu", [f"P{number:06d}" for number in range(1, len(frame) + 1)])
    return frame


def _unit_forms(
    made: Demo, pack: Instrument, unit: Mapping[Any, Any], tilt: Any, rng: np.random.Generator
) -> pd.DataFrame:
    """Make the forms of one unit, with the share of satisfied answers that it shall have."""
    plan, n = made.plan, made.plan["forms"]
    low, high = plan["range"][unit["group"]]
    drawn = f"{rng.uniform(low, high):.2f}"
    target = plan.get("published", {}).get(unit["code"], drawn)
    latent = _latent(made, pack, n, rng)
    share = np.clip(float(target) / 100, 0.02, 0.995)
    cut = norm.ppf(1 - share) * np.ones(len(pack.items)) + tilt
    answers = _levels(latent - cut, made.model["model"]["steps"])
    blank = _blanks(answers.shape, target, rng)
    answers = _meet(answers, latent - cut, blank, target)
    overall = _overall(made, pack, np.where(blank, np.nan, answers), rng)
    written = np.where(blank, np.where(rng.random(blank.shape) < 0.3, "9", ""), answers.astype(str))
    frame = _beside(made, pack, unit, n, rng)
    items = pd.DataFrame(written, columns=[*pack.items])
    skipped = rng.random(n) < BLANK_SHARE / 2
    items["OVERALL"] = np.where(skipped, "", overall.astype(str))
    return pd.concat([frame, items], axis=1)


def _overall(made: Demo, pack: Instrument, answers: Any, rng: np.random.Generator) -> Any:
    """Return the level nearest to Σ coefficient · factor score + noise.

    The scores are those that ``drivers`` sees: were they latent, a factor without effect would
    stand in for the errors of its neighbours and no longer be 0.
    """
    model, table = made.model["model"], pd.DataFrame(answers, columns=[*pack.items])
    known = {code: table[pack.items_of(code)].mean(axis=1) for code in model["drivers"]}
    scores = pd.DataFrame(known).T.fillna(table.mean(axis=1)).T
    whole = scores @ pd.Series(model["drivers"]) + rng.normal(0, model["noise"], len(scores))
    return np.clip(np.rint(whole), pack.scale.low, pack.scale.high).astype(int).to_numpy()


def _correlation(made: Demo, pack: Instrument) -> Any:
    rho = made.model["model"]["factor_correlation"]
    return np.full((len(pack.factors),) * 2, rho) + (1 - rho) * np.eye(len(pack.factors))


def _latent(made: Demo, pack: Instrument, n: int, rng: np.random.Generator) -> Any:
    """Draw item latents (n, k) with variance 1 from correlated factors; hamlets share a part."""
    factors = (
        rng.normal(size=(n, len(pack.factors))) @ np.linalg.cholesky(_correlation(made, pack)).T
    )
    if "clusters" in made.plan:
        shared = made.plan["cluster_share"]
        hamlet = np.repeat(rng.normal(size=made.plan["clusters"]), n // made.plan["clusters"])
        factors = np.sqrt(1 - shared) * factors + np.sqrt(shared) * hamlet[:, None]
    of = [list(pack.factors).index(item.factor) for item in pack.items.values()]
    share = made.model["model"]["item_share"]
    own = rng.normal(size=(n, len(of)))
    return np.sqrt(share) * factors[:, of] + np.sqrt(1 - share) * own


def _levels(above: Any, steps: Mapping[str, float]) -> Any:
    """Return levels 1 to 5 from the distance above the threshold of level 4."""
    return 1 + sum((above > cut).astype(int) for cut in (steps["2"], steps["3"], 0.0, steps["5"]))


def _blanks(shape: tuple[int, int], target: str, rng: np.random.Generator) -> Any:
    """Choose blank cells, as many as let N/D print as ``target`` and about 2 % of all."""
    total = shape[0] * shape[1]
    expected = round(BLANK_SHARE * total)
    near = sorted(range(2 * expected + 1), key=lambda k: abs(k - expected))
    n_blank = next((k for k in near if _count(total - k, target) is not None), expected)
    blank = np.zeros(total, dtype=bool)
    blank[rng.choice(total, n_blank, replace=False)] = True
    return blank.reshape(shape)


def _count(answers: int, target: str) -> int | None:
    """Return how many of so many answers print as ``target`` percent, if any number does."""
    n = round(float(target) / 100 * answers)
    return n if round_to_text(100 * n / answers, n, answers) == target else None


def _meet(answers: Any, above: Any, blank: Any, target: str) -> Any:
    """Move the answers nearest to the threshold so that the share is met to the last answer."""
    valid = int((~blank).sum())
    exact = _count(valid, target)
    wanted = round(float(target) / 100 * valid) if exact is None else exact
    excess = int(((answers >= 4) & ~blank).sum()) - wanted
    movable = ((answers >= 4) if excess > 0 else (answers < 4)) & ~blank
    distance = np.where(movable, np.abs(above), np.inf).ravel()
    nearest = np.argsort(distance, kind="stable")[: abs(excess)]
    met = answers.copy().ravel()
    met[nearest] = 3 if excess > 0 else 4
    return met.reshape(answers.shape)


def _beside(
    made: Demo, pack: Instrument, unit: Mapping[Any, Any], n: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Make what stands beside the items: unit, mode, day, design, profile, indicators."""
    plan, known = made.plan, made.model
    first, last = plan["wave"]["collected"]["from"], plan["wave"]["collected"]["to"]
    days = [first + timedelta(int(k)) for k in rng.integers(0, (last - first).days + 1, n)]
    frame = pd.DataFrame({"don_vi": unit["code"]}, index=range(n))
    frame["hinh_thuc"] = _draw(known["modes"], n, rng)
    frame["ngay"] = [day.strftime("%d/%m/%Y") for day in days if isinstance(day, date)]
    if "clusters" in plan:
        size = n // plan["clusters"]
        households = rng.integers(*plan["households"])
        frame["tang"] = unit["code"]
        frame["cum"] = np.repeat([f"ap-{k + 1}" for k in range(plan["clusters"])], size)
        hamlet = np.repeat(rng.uniform(0.7, 1.3, plan["clusters"]), size)
        frame["trong_so"] = np.round(households / n * hamlet / hamlet.mean(), 2).astype(str)
    for code, shares in known["profile"].items():
        frame[code] = _draw(shares, n, rng)
    chosen = {code: rng.random(n) < share for code, share in known["vulnerable"].items()}
    table = pd.DataFrame(chosen)
    frame["vulnerable"] = [";".join(table.columns[row]) for row in table.to_numpy()]
    for code, indicator in pack.indicators.items():
        if indicator.group != "profile":
            levels = list(indicator.levels)
            tail = 0.8 if indicator.group != "need" else 0.1
            shares = [tail] + [(1 - tail) / (len(levels) - 1)] * (len(levels) - 1)
            order = levels if indicator.counted != (levels[0],) else levels[::-1]
            frame[code] = _draw(dict(zip(order, shares, strict=True)), n, rng)
    if "apology" in frame:
        frame.loc[frame["late"] == "no", "apology"] = ""
    return frame


def _draw(shares: Mapping[str, float], n: int, rng: np.random.Generator) -> Any:
    weights = np.array(list(shares.values()))
    return rng.choice(np.array(list(shares), dtype=object), n, p=weights / weights.sum())


if __name__ == "__main__":
    import sys

    for wave in ("an-giang-2020", "an-giang-2021", "an-giang-2023"):
        write_demo(build_demo(wave), Path(sys.argv[1]) / wave, replace=True)
