"""The one home of published figures: computed once, suppressed once, printed from here.

Text, tables, charts and CSV files all take a figure from these frames. What must not be
published (rule P2) is blanked here, before any writer sees it, and so is a second cell where a
total would give the first one back.
"""

import io
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.collect.quality import Findings, check
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import groups_of
from sipas_analysis.explain.drivers import Drivers, drivers
from sipas_analysis.explain.importance import COLUMNS as SHARES
from sipas_analysis.explain.penalty_reward import penalties
from sipas_analysis.explain.priority import Basis, Priority, basis, place
from sipas_analysis.figures.suppression import SUPPRESS, blank, hide
from sipas_analysis.files import write_whole
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.fairness import fair, robust
from sipas_analysis.measure.ranking import Ranking, rank
from sipas_analysis.measure.scores import answer_counts, compare_rules, score

ENDS = ["value", "low", "high"]
PLACES = ["rank", "rank_low", "rank_high", "detectable"]
INDEX = [
    "id",
    "value",
    "printed",
    "low",
    "high",
    "n",
    "n_valid",
    "numerator",
    "denominator",
    *PLACES,
    "rule",
]
MODELLED = {  # figures of a model, and the columns of ``drivers`` that hold each with its ends
    "linear": ("value", "low", "high"),
    "logit.points": ("points", "points_low", "points_high"),
    "logit.odds": ("odds_ratio", "odds_low", "odds_high"),
}


@dataclass(frozen=True)
class Published:
    """One figure as a report may print it; NaN and empty text where it is suppressed."""

    variable: str
    group: str
    unit: str
    value: float
    low: float
    high: float
    n: int
    n_valid: int
    printed: str
    flag: str
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    letter: str = ""
    detectable: float = np.nan
    reason: str = ""
    rule: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a figure to show."""
        return not np.isnan(self.value)

    @property
    def id(self) -> str:
        """Name of the figure in ``tables/figures.csv``; under another rule, in none."""
        if self.rule:
            return ""
        where = self.unit or (self.group and f"group:{self.group}")
        return f"{self.variable}@{where}" if where else self.variable


def published(rows: pd.DataFrame) -> list[Published]:
    """Return the rows of a table of figures as typed records."""
    names = [one.name for one in fields(Published)]
    cells = rows.reindex(columns=names).astype(object)
    for name in ("rank", "rank_low", "rank_high"):
        ranks = [None if pd.isna(rank) else int(rank) for rank in cells[name]]
        cells[name] = pd.Series(ranks, cells.index, dtype=object)  # a None would make floats of all
    for name in ("reason", "letter", "rule"):
        cells[name] = cells[name].fillna("")
    return [Published(**dict(zip(names, row, strict=True))) for row in cells.to_numpy()]


@dataclass(frozen=True)
class Figures:
    """All figures of one wave; each frame is made when first asked for."""

    survey: Survey

    @cached_property
    def units(self) -> Estimates:
        """Estimates of the units with their covariance; not yet fit to be printed (P2)."""
        return score(self.survey, "unit")

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every figure of the whole, the groups and the units; ``domain`` says which."""
        by = {"all": (), "group": "group", "unit": "unit"}
        found = {d: self.units if d == "unit" else score(self.survey, k) for d, k in by.items()}
        parts = [it.frame.assign(domain=d) for d, it in found.items()]
        table = pd.concat(parts, ignore_index=True)
        table = table.reindex(columns=["domain", *parts[2].columns.drop("domain")])
        hidden = hide(table, self.survey)
        hidden[["group", "unit", "unit_name"]] = hidden[["group", "unit", "unit_name"]].fillna("")
        return hidden

    @cached_property
    def places(self) -> Ranking:
        """Units in order within their group, with rank sets, of what may be published."""
        shown = self.scores[self.scores["domain"] == "unit"].drop(columns="domain")
        units = replace(self.units, frame=shown.reset_index(drop=True))
        wave, pack = self.survey.wave, self.survey.instrument
        return rank(units, pack.index.min_forms, seed=wave.seed)

    @property
    def ranking(self) -> pd.DataFrame:
        """Units in order, with the reason where there is no rank."""
        return self.places.frame

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every pair of ranked units, by ``group``, and whether they can be told apart."""
        found = [self.places.pairs(group).assign(group=group) for group in self.places.sets]
        columns = ["group", "unit", "other", "value", "se", "low", "high", "told"]
        if not found:
            return pd.DataFrame(columns=columns)
        return pd.concat(found, ignore_index=True)[columns]

    @cached_property
    def fair(self) -> pd.DataFrame:
        """Raw, adjusted and pooled indices of ranked units, with their ranks."""
        return fair(self.survey, self.places)

    @cached_property
    def robust(self) -> pd.DataFrame:
        """Ranks of ranked units under every lawful rule."""
        return robust(self.survey, self.places)

    @cached_property
    def rules(self) -> pd.DataFrame:
        """Factors and the whole under each rule; two rules could give a hidden item back."""
        found, own = compare_rules(self.survey).frame, self.of("all")
        pack = self.survey.instrument
        usual = {level: one.rule for level, one in pack.rules()}
        partly = {v for v in own if not all(own[item].known for item in pack.items_of(v))}
        second = found["variable"].isin(partly) & (found["rule"] != found["level"].map(usual))
        unknown = ~found["variable"].map(lambda code: own[code].known)
        found.loc[second | unknown, "flag"] = SUPPRESS
        return blank(found)

    @cached_property
    def drivers(self) -> Drivers:
        """Models of overall satisfaction, or the reason why there is none."""
        return drivers(self.survey)

    @cached_property
    def penalties(self) -> pd.DataFrame:
        """What bad and very good answers to each item go with; nothing of a hidden item (P2)."""
        found, own = penalties(self.survey), self.of("all")
        shown = found.drop(columns=["n_low", "n_mid", "n_high"])
        hidden = ~found["item"].map(lambda code: own[code].known).astype(bool)
        numbers = [it for it in shown if it not in ("item", "factor", "verdict")]
        shown.loc[hidden, numbers] = np.nan
        return shown.assign(verdict=shown["verdict"].mask(hidden, "cannot_tell"))

    @cached_property
    def hidden_units(self) -> set[str]:
        """Units of which no overall figure may be published."""
        scores = self.scores
        whole = scores[(scores["domain"] == "unit") & (scores["variable"] == OVERALL)]
        return set(whole.loc[whole["flag"] == SUPPRESS, "unit"])

    def priority(self, unit: str = "") -> Priority:
        """Return factors by importance and satisfaction, of the whole or of one unit."""
        if unit not in self._priorities:
            self._priorities[unit] = place(self._basis, unit)
        return self._priorities[unit]

    @cached_property
    def _basis(self) -> Basis:
        return basis(self.survey, self.scores, self.drivers)

    @cached_property
    def _priorities(self) -> dict[str, Priority]:
        return {}

    def answers(self, unit: str = "") -> pd.DataFrame:
        """Return how many forms stand at each level of each item, of the whole or of one unit."""
        counts = self._answers[bool(unit)]
        return counts[counts["unit"] == unit] if unit else counts

    @cached_property
    def _answers(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return answer_counts(self.survey), answer_counts(self.survey, ["unit"])

    def thin(self, key: str) -> bool:
        """Say whether a unit has too few people, but some, in one category of a key (P2)."""
        if key not in self._thin:
            self._thin[key] = self._is_thin(key)
        return self._thin[key]

    @cached_property
    def _thin(self) -> dict[str, bool]:
        return {}

    def _is_thin(self, key: str) -> bool:
        survey, indicators = self.survey, self.survey.instrument.indicators
        unit = survey.frame["unit"]
        counts: list[Any] = [survey.frame.groupby(["unit", key]).size()]
        if key in indicators:
            levels = indicators[key].levels
            counts = [survey.chose(key, code).groupby(unit).sum() for code in levels]
        least = survey.wave.min_cell
        return any(((n > 0) & (n < least)).any() for n in counts)

    @cached_property
    def findings(self) -> Findings:
        """What the quality checks noticed in units whose figures may be published."""
        found = check(self.survey)
        known = self.ranking.loc[self.ranking["flag"] != SUPPRESS, "unit"]
        kept = found.frame["unit"].isin(known)
        return replace(found, frame=found.frame[kept].reset_index(drop=True))

    def of(self, domain: str, key: str = "") -> dict[str, "Published"]:
        """Return the figures of the whole (``all``), of one group or of one unit, by variable."""
        return self._by_place.get((domain, "" if domain == "all" else key), {})

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], dict[str, "Published"]]:
        found: dict[tuple[str, str], dict[str, Published]] = {}
        domains = self.scores["domain"]
        for domain, one in zip(domains, published(self.scores), strict=True):
            key = "" if domain == "all" else one.unit if domain == "unit" else one.group
            found.setdefault((domain, key), {})[one.variable] = one
        return found

    def order(self, group: str) -> list["Published"]:
        """Return the overall figures of the units of a group, best first, with their rank."""
        return published(self.ranking[self.ranking["group"] == group])

    @property
    def groups(self) -> list[str]:
        """Groups with forms, in the usual order: departments first, the wave's own last."""
        used = set(self.ranking["group"])
        return [group for group in groups_of(self.survey.wave) if group in used]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables as they are published, by file name; no row is a form (rule P3)."""
        ranks = self.ranking[["unit", "level", "rank"]]
        scores = self.scores.merge(ranks, on=["unit", "level"], how="left")
        first = self.priority()
        return {
            "scores": scores,
            "ranking": self.ranking,
            "pairs": self.pairs,
            "robust": self.robust,
            "drivers": self.drivers.frame,
            "importance": first.importance.frame
            if first.importance
            else pd.DataFrame(columns=SHARES),
            "priority": first.frame,
            "what_if": first.what_if,
            "penalties": self.penalties,
            "figures": self.by_id,
        }

    @cached_property
    def by_id(self) -> pd.DataFrame:
        """Every figure that a report names, by ``id``: scores with ranks, pairs, drivers."""
        places = self.ranking[["unit", "level", *PLACES]]
        scores = self.scores.merge(places, on=["unit", "level"], how="left")
        scores["id"] = [one.id for one in published(scores)]
        rule = {level: one.rule for level, one in self.survey.instrument.rules()}
        scores["rule"] = scores["level"].map(rule).fillna(scores["level"])
        pairs = self.pairs.assign(id="pair:" + self.pairs["unit"] + "~" + self.pairs["other"])
        found = [scores, pairs.assign(rule="R2")]
        coefficients = self.drivers.frame
        for name, columns in MODELLED.items():
            own = coefficients[coefficients["model"] == name.partition(".")[0]]
            ends = own[[*columns]].set_axis(ENDS, axis=1)
            found.append(ends.assign(id=name + ":" + own["term"].astype(str), rule="D1"))
        shares = self.priority().importance
        if shares is not None:
            part = 100 * shares.frame[["share", "share_low", "share_high"]].set_axis(ENDS, axis=1)
            found.append(part.assign(id="share:" + shares.frame["driver"], rule="D3"))
        return pd.concat([it.reindex(columns=INDEX) for it in found if len(it)], ignore_index=True)


_FIGURES: dict[int, Figures] = {}


def figures_of(survey: Survey) -> Figures:
    """Return the figures of a survey, the same ones as long as the survey itself is the same."""
    known = _FIGURES.get(id(survey))
    if known is None or known.survey is not survey:
        _FIGURES.clear()  # one wave at a time
        known = _FIGURES[id(survey)] = Figures(survey)
    return known


def write_tables(tables: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write CSV files that a spreadsheet opens safely: UTF-8 with BOM, ten significant digits.

    Text that a spreadsheet would run as a formula is preceded by an apostrophe.
    """
    return [write_whole(folder / f"{name}.csv", _csv(table)) for name, table in tables.items()]


def _csv(table: pd.DataFrame) -> str:
    out = io.StringIO()
    safe = table.apply(lambda column: column.map(_harmless))
    safe.to_csv(out, index=False, float_format="%.10g", lineterminator="\n")
    return "\ufeff" + out.getvalue()


def _harmless(value: object) -> object:
    if not isinstance(value, str) or value[:1] not in ("=", "+", "-", "@", "\t", "\r"):
        return value
    return value if value[0] == "-" and _is_number(value) else "'" + value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
