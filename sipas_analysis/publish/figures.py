"""The one home of published figures: computed once, suppressed once, printed from here.

Text, tables, charts and CSV files all take a figure from these frames. What must not be
published (rule P2) is blanked here, before any writer sees it, and so is a second cell where a
total would give the first one back.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.collect.quality import Findings, check
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import groups_of
from sipas_analysis.explain.ceiling import penalties
from sipas_analysis.explain.drivers import Drivers, drivers
from sipas_analysis.explain.importance import COLUMNS as SHARES
from sipas_analysis.explain.priority import Basis, Priority, basis, place
from sipas_analysis.files import write_whole
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.fairness import fair, robust
from sipas_analysis.measure.ranking import Ranking, rank
from sipas_analysis.measure.scores import answer_counts, compare_rules, score

HIDDEN = ("value", "se", "low", "high", "df", "numerator", "denominator", "deff", "n_eff")
SUPPRESS = "suppress"


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

    @property
    def known(self) -> bool:
        """Whether there is a figure to show."""
        return not np.isnan(self.value)


def published(rows: pd.DataFrame) -> list[Published]:
    """Return the rows of a table of figures as typed records."""
    names = [one.name for one in fields(Published)]
    cells = rows.reindex(columns=names).astype(object)
    for name in ("rank", "rank_low", "rank_high"):
        ranks = [None if pd.isna(rank) else int(rank) for rank in cells[name]]
        cells[name] = pd.Series(ranks, cells.index, dtype=object)  # a None would make floats of all
    for name in ("reason", "letter"):
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
        where = np.select(
            [scores["domain"] == "unit", scores["domain"] == "group"],
            ["@" + scores["unit"], "@group:" + scores["group"]],
            "",
        )
        figures = scores.assign(id=scores["variable"] + where)
        names = ["id", "value", "printed", "low", "high", "n_valid", "numerator", "denominator"]
        rule = {level: one.rule for level, one in self.survey.instrument.rules()}
        figures = figures[names].assign(rule=figures["level"].map(rule).fillna(figures["level"]))
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
            "figures": figures,
        }


_FIGURES: dict[int, Figures] = {}


def figures_of(survey: Survey) -> Figures:
    """Return the figures of a survey, the same ones as long as the survey itself is the same."""
    known = _FIGURES.get(id(survey))
    if known is None or known.survey is not survey:
        _FIGURES.clear()  # one wave at a time
        known = _FIGURES[id(survey)] = Figures(survey)
    return known


def hide(table: pd.DataFrame, survey: Survey) -> pd.DataFrame:
    """Blank what must not be published, and what would give it back by subtraction (rule P2).

    A whole and its parts (factor and items, block and factors, overall and factors; group and
    units, province and groups) are one sum: a single hidden member of it could be worked out, so
    a second one is hidden too, the part with fewest forms, again until no sum gives one back.
    What nobody answered has nothing to hide and hides nothing.
    """
    sums = [_members(table, *keys) for keys in _sums(table, survey)]
    hidden = (table["flag"] == SUPPRESS) & (table["n_valid"] > 0)
    while True:
        more = hidden | _two_sums(table, hidden, survey)
        for members in sums:
            more[_complement(members, more)] = True
        if more.equals(hidden):
            break
        hidden = more
    table = table.copy()
    table.loc[hidden, "flag"] = SUPPRESS
    return blank(table)


def _two_sums(table: pd.DataFrame, hidden: "pd.Series[bool]", survey: Survey) -> "pd.Series[bool]":
    """Mark all parts and the whole of a domain with a hidden item, if they follow two rules.

    Pooled here and a mean of items there are two sums over the same items: together they could
    give an item back that each alone keeps.
    """
    rules = {rule.rule for _, rule in survey.instrument.rules()} & {"pooled", "mean_of_items"}
    if len(rules) < 2:
        return pd.Series(False, index=table.index)
    item = hidden & (table["level"] == "item")
    touched = item.groupby([table["domain"], table["group"], table["unit"]], dropna=False)
    return touched.transform("any") & table["level"].isin(["factor", "block", OVERALL])


def _sums(
    table: pd.DataFrame, survey: Survey
) -> Iterable[tuple["pd.Series[Any]", "pd.Series[bool]", list[str]]]:
    """Yield each kind of sum: the name of the whole by row, which rows are wholes, other keys."""
    pack, level, code = survey.instrument, table["level"], table["variable"]
    factor = code.map({item: it.factor for item, it in pack.items.items()})
    block = code.map({part: it.block for part, it in pack.factors.items() if it.block})
    of, by = ["domain", "group", "unit"], ["variable"]
    yield factor.mask(level == "factor", code), level == "factor", of
    yield block.mask(level == "block", code), level == "block", of
    if pack.blocks:
        both = level.isin(["block", OVERALL])
        yield code.mask(both, OVERALL).where(both), level == OVERALL, of
    inside = code.where(~level.isin(["factor", OVERALL]), OVERALL)
    yield inside.where(level.isin(["factor", OVERALL])), level == OVERALL, of
    domain = table["domain"]
    yield table["group"].where(domain != "all"), domain == "group", by
    yield domain.mask(domain == "group", "all").where(domain != "unit"), domain == "all", by


def _members(
    table: pd.DataFrame, whole: "pd.Series[Any]", is_whole: "pd.Series[bool]", keys: list[str]
) -> pd.DataFrame:
    """Return the rows that stand in a sum, smallest part first and the whole last."""
    named = table.assign(_whole=whole, _last=is_whole)[whole.notna() & (table["n_valid"] > 0)]
    family = named.groupby(["_whole", *keys], dropna=False, sort=False).ngroup()
    size = "n_valid" if "unit" in keys else "n"  # the same unit for every variable
    return named.assign(_family=family).sort_values(["_last", size], kind="stable")


def _complement(members: pd.DataFrame, hidden: "pd.Series[bool]") -> "pd.Index[int]":
    """Return the first shown member of each sum with exactly one hidden member."""
    own = hidden[members.index]
    lonely = own.groupby(members["_family"]).transform("sum") == 1
    return members[~own & lonely].drop_duplicates("_family").index


def blank(table: pd.DataFrame) -> pd.DataFrame:
    """Take the numbers out of suppressed rows; their ``n`` and ``flag`` stay."""
    hidden = table["flag"] == SUPPRESS
    table = table.copy()
    table.loc[hidden, [name for name in HIDDEN if name in table]] = np.nan
    table.loc[hidden, "printed"] = ""
    return table


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


def people_counts(counts: Iterable[int], min_cell: int) -> list[int | None]:
    """Return counts that may be shown: small ones are None, and a second one if only one was."""
    found = list(counts)
    shown: list[int | None] = [n if n >= min_cell or n == 0 else None for n in found]
    if shown.count(None) == 1:
        rest = [k for k, n in enumerate(shown) if n]
        if rest:
            shown[min(rest, key=lambda k: found[k])] = None
    return shown
