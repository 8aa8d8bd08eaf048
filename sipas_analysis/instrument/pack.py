"""A pack is one instrument: items, factors, scale, index rules, each with its source.

No number from a decision is written in Python. The satisfied levels, the rule from items to factors
and the rounding are read from ``packs/*.yaml`` or from a file of the user.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from sipas_analysis.errors import ConfigError
from sipas_analysis.instrument.strict_yaml import Bilingual, Day, Strict, read_model

Status = Literal["sourced", "derived", "reconstructed", "unverified"]
Rule = Literal[
    "pooled", "mean_of_items", "mean_of_factors", "weights", "overall_item", "comprehensive"
]
Mistake = tuple[tuple[str, ...], str, dict[str, object]]
PACKS = Path(__file__).parent / "packs"
OVERALL = "overall"
RESERVED = ("file", "row", "form", "unit", "group", "mode", "date", "weight", "stratum", "cluster")


class Scale(Strict):
    """Levels of an answer and where satisfaction starts."""

    low: int = 1
    high: int = 5
    satisfied_from: int = 4
    blank: tuple[str, ...] = ()
    labels: Mapping[int, Bilingual] = {}

    @property
    def levels(self) -> range:
        """All levels, worst first."""
        return range(self.low, self.high + 1)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.low < self.satisfied_from <= self.high:
            raise ConfigError("pack_scale", at=("satisfied_from",), low=self.low, high=self.high)
        return self


class Part(Bilingual):
    """A factor or a block of factors."""

    block: str = ""
    measures: str = ""


class Item(Bilingual):
    """One question on satisfaction, with the status of its wording."""

    factor: str
    status: Status = "unverified"
    source: Bilingual = Bilingual()


class OverallItem(Bilingual):
    """The question on satisfaction as a whole, outside the pooled index."""

    code: str
    status: Status = "unverified"
    source: str = ""


class Indicator(Bilingual):
    """A question beside the index: profile, experience, incident or need."""

    group: Literal["profile", "experience", "incident", "need"]
    kind: Literal["one", "many"] = "one"
    levels: Mapping[str, Bilingual] = {}
    counted: tuple[str, ...] = ()
    wording: Bilingual = Bilingual()
    status: Status = "unverified"
    source: str = ""


class IndexRule(Strict):
    """How parts make a whole; ``weights`` are by factor or by block."""

    rule: Rule = "pooled"
    weights: Mapping[str, float] = {}
    status: Status = "unverified"
    note: Bilingual = Bilingual()

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        weights = [*self.weights.values()]
        fits = sum(weights) > 0 <= min(weights) if self.rule == "weights" else not weights
        if not fits:
            raise ConfigError("pack_weights", at=("rule",))
        return self


class Grade(Bilingual):
    """The name of all values from ``least`` up to the next grade."""

    least: float = Field(alias="from")


class Index(Strict):
    """The index rules M2, M3, M4, M6, M7 of an instrument.

    ``points`` are the values of the levels, if not 100 for satisfied and 0 otherwise.
    """

    points: Mapping[int, float] = {}
    grades: tuple[Grade, ...] = ()
    factor: IndexRule = IndexRule()
    block: IndexRule = IndexRule()
    overall: IndexRule = IndexRule()
    comprehensive_from: int = 1
    decimals: int = Field(default=2, ge=0, le=6)
    min_forms: int = Field(default=30, ge=2)

    def find_grade(self, value: float) -> Grade | None:
        """Return the grade of a value; none if the pack has no grades or the value is blank."""
        reached = [grade for grade in self.grades if value >= grade.least]
        return max(reached, key=lambda grade: grade.least, default=None)

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        if self.block.rule == "comprehensive" or self.factor.rule == "comprehensive":
            raise ConfigError("pack_comprehensive", at=("overall", "rule"))
        if self.points and len(set(self.points.values())) < 2:
            raise ConfigError("pack_points_alike", at=("points",))
        return self


class Instrument(Strict):
    """One questionnaire and its index rules, checked completely."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: Bilingual
    source: str
    status: Status
    valid_from: Day = None
    valid_to: Day = None
    population: Bilingual = Bilingual()
    scale: Scale = Scale()
    blocks: Mapping[str, Part] = {}
    factors: Mapping[str, Part]
    items: Mapping[str, Item]
    overall_item: OverallItem | None = None
    indicators: Mapping[str, Indicator] = {}
    index: Index = Index()

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        for at, message, fields in self.find_mistakes():
            raise ConfigError(message, (), at, **fields)
        return self

    def find_mistakes(self) -> Iterator[Mistake]:
        """Yield the mistakes in how the parts fit each other: key, message id and its fields."""
        yield from self._find_wrong_parts()
        yield from self._find_wrong_rules()

    def _find_wrong_parts(self) -> Iterator[Mistake]:
        """Yield items, factors and codes that do not fit each other."""
        factors = ", ".join(self.factors)
        at: tuple[str, ...]
        for code, item in self.items.items():
            if item.factor not in self.factors:
                at = ("items", code, "factor")
                yield at, "pack_factor", {"item": code, "factor": item.factor, "known": factors}
        for code, factor in self.factors.items():
            if self.blocks and factor.block not in self.blocks:
                at = ("factors", code)
                yield at, "pack_block", {"factor": code, "known": ", ".join(self.blocks)}
            if not self.items_of(code):
                yield ("factors", code), "pack_empty", {"factor": code}
        codes = [*self.items, *self.factors, *self.blocks, *self.indicators, OVERALL]
        codes += [self.overall_item.code] if self.overall_item else []
        codes += [code for code in RESERVED if code in codes]
        for code in codes:
            if codes.count(code) > 1:
                yield ("items", code), "pack_twice", {"code": code}

    def _find_wrong_rules(self) -> Iterator[Mistake]:
        """Yield index rules that do not fit the scale and the parts."""
        levels = ", ".join(map(str, self.scale.levels))
        if self.index.points and {*self.index.points} != {*self.scale.levels}:
            yield ("index", "points"), "pack_points", {"levels": levels}
        if self.index.factor.rule not in ("pooled", "mean_of_items"):
            yield ("index", "factor", "rule"), "pack_factor_rule", {}
        for name, rule in self.rules_by_level():
            parts = {*self.factors} | ({*self.blocks} if name == OVERALL else set())
            if not parts >= {*rule.weights}:
                at = ("index", name, "weights")
                yield at, "pack_weight_names", {"known": ", ".join(sorted(parts))}
            if rule.rule == "overall_item" and not self.overall_item:
                yield ("index", name, "rule"), "pack_no_overall", {}

    @property
    def rated_codes(self) -> list[str]:
        """Codes of all questions on satisfaction: the items, then the overall item if any."""
        return [*self.items] + ([self.overall_item.code] if self.overall_item else [])

    def rules_by_level(self) -> tuple[tuple[str, IndexRule], ...]:
        """Return the index rules by level, from parts to the whole."""
        levels = ("factor", "block", "overall") if self.blocks else ("factor", "overall")
        return tuple((level, getattr(self.index, level)) for level in levels)

    def items_of(self, part: str) -> list[str]:
        """Return the codes of the items of a factor, a block or the whole index."""
        if part == OVERALL:
            return list(self.items)
        inside = {part} | {code for code, factor in self.factors.items() if factor.block == part}
        return [code for code, item in self.items.items() if item.factor in inside]

    def factors_of(self, part: str) -> list[str]:
        """Return the codes of the factors of a block or of the whole index."""
        return [code for code, factor in self.factors.items() if part in (OVERALL, factor.block)]

    def label_of(self, code: str, language: str) -> str:
        """Return the short text of an item, factor, block, overall item or indicator."""
        parts: tuple[Mapping[str, Bilingual], ...] = (
            self.items,
            self.factors,
            self.blocks,
            self.indicators,
        )
        for texts in parts:
            if code in texts:
                return texts[code].text(language) or code
        if self.overall_item and code == self.overall_item.code:
            return self.overall_item.text(language) or code
        return code

    def by_status(self) -> dict[str, list[str]]:
        """Return the codes of the items of each status; items without wording form a group."""
        codes: dict[str, list[str]] = {}
        for code, item in self.items.items():
            status = item.status if item.vi or item.en else "no_wording"
            codes.setdefault(status, []).append(code)
        return codes


def read_instrument(name: str | Path) -> Instrument:
    """Read the pack of that id, or the pack in the file at that path.

    Raises:
        ConfigError: No such pack, or a mistake in the file; the message names line and remedy.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = PACKS / f"{name}.yaml"
        if not path.is_file():
            raise ConfigError("pack_unknown", name=name, known=", ".join(list_packs()))
    changed_at = path.stat().st_mtime_ns if path.is_file() else 0
    return _read_unchanged(path.absolute(), changed_at)


@cache
def _read_unchanged(path: Path, _changed_at: int) -> Instrument:
    """Return the pack of a file; read the file again only if its time of change differs."""
    return read_model(path, Instrument)


def list_packs() -> list[str]:
    """Return the ids of the packs that come with the program, sorted."""
    return sorted(path.stem for path in PACKS.glob("*.yaml"))
