"""A pack is one instrument: items, factors, scale, index rules, each with its source.

No number from a decision is written in Python. The satisfied levels, the rule from items to factors
and the rounding are read from ``packs/*.yaml`` or from a file of the user.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from sipas_analysis.arguments import check_path, list_known
from sipas_analysis.errors import ConfigError
from sipas_analysis.input_copies import copy_input
from sipas_analysis.instrument.strict_yaml import Bilingual, Day, Statement, Strict, read_model

Status = Literal["sourced", "derived", "reconstructed", "unverified"]
Rule = Literal[
    "pooled", "mean_of_items", "mean_of_factors", "weights", "overall_item", "comprehensive"
]
Mistake = tuple[tuple[str, ...], str, dict[str, object]]
PACKS = Path(__file__).parent / "packs"
OVERALL = "overall"
RESERVED = ("file", "row", "form", "unit", "group", "mode", "date", "weight", "stratum", "cluster")


NPS_RANGE = range(11)
NPS_POINTS = {level: 100 * ((level >= 9) - (level <= 6)) for level in NPS_RANGE}


class Scale(Strict):
    """Levels of an answer and where satisfaction starts.

    ``blank`` and ``not_applicable`` are codes of no answer, counted apart from each other.
    ``points`` are the values of the levels where the figure is a score; ``score: nps`` stands for
    those of the net promoter score: the share of 9 and 10 minus the share of 0 to 6.
    """

    low: int = 1
    high: int = 5
    satisfied_from: int = 4
    blank: tuple[str, ...] = ()
    not_applicable: tuple[str, ...] = ()
    labels: Mapping[int, Bilingual] = {}
    points: Mapping[int, float] = {}
    score: Literal["", "nps"] = ""

    @property
    def levels(self) -> range:
        """All levels, worst first."""
        return range(self.low, self.high + 1)

    @property
    def turned(self) -> str:
        """What each level means if the highest is the worst, as YAML for a ``recode``."""
        pairs = zip(self.levels, reversed(self.levels), strict=True)
        return "{" + ", ".join(f'"{level}": {other}' for level, other in pairs) + "}"

    @model_validator(mode="before")
    @classmethod
    def _fill_usual_values(cls, keys: object) -> object:
        if not isinstance(keys, dict) or keys.get("score") != "nps":
            return keys
        return {"low": 0, "high": 10, "satisfied_from": 9, "points": NPS_POINTS} | keys

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        levels = {*self.levels}
        ends: dict[str, object] = {"low": self.low, "high": self.high}
        if self.score == "nps" and self.levels != NPS_RANGE:
            raise ConfigError("pack_nps", (), ("score",), **ends)
        if not self.low < self.satisfied_from <= self.high:
            raise ConfigError("pack_scale", (), ("satisfied_from",), **ends)
        if (self.low, self.high) != (1, 5) and "satisfied_from" not in self.model_fields_set:
            raise ConfigError("pack_satisfied_from", at=("satisfied_from",))
        if not levels >= {*self.labels}:
            raise ConfigError("pack_labels", (), ("labels",), **ends)
        if self.points and {*self.points} != levels:
            raise ConfigError("pack_points", at=("points",), levels=", ".join(map(str, levels)))
        if {str(level) for level in levels} & {*self.not_applicable}:
            raise ConfigError("pack_not_applicable", (), ("not_applicable",), **ends)
        if text := self._find_text_of_two_meanings():
            raise ConfigError("pack_text_twice", (), ("labels",), text=text)
        return self

    def _find_text_of_two_meanings(self) -> str:
        """Return a text that is the label of two levels, or two codes of no answer; else empty."""
        meanings: dict[str, set[object]] = {}
        for level, label in self.labels.items():
            for text in filter(None, (label.vi, label.en)):
                meanings.setdefault(text.casefold(), set()).add(level)
        for kind in ("blank", "not_applicable"):
            for text in getattr(self, kind):
                meanings.setdefault(text.casefold(), set()).add(kind)
        return next((text for text, means in meanings.items() if len(means) > 1), "")


class Part(Bilingual):
    """A factor or a block of factors; ``scale`` is that of its items."""

    block: str = ""
    measures: str = ""
    scale: Scale | None = None


class Question(Bilingual):
    """One question on satisfaction, with the status of its wording.

    ``scale`` is its own, if it differs from that of the pack. Where the highest level is the worst,
    ``reverse`` turns the answers before anything is counted.
    """

    status: Status = "unverified"
    source: Statement = Bilingual()
    scale: Scale | None = None
    reverse: bool = False


class Item(Question):
    """One question of the index; without a factor it counts in the overall index only."""

    factor: str = ""


class OverallItem(Question):
    """The question on satisfaction as a whole, outside the pooled index."""

    code: str


class Indicator(Bilingual):
    """A question beside the index: profile, experience, incident or need."""

    group: Literal["profile", "experience", "incident", "need"]
    kind: Literal["one", "many"] = "one"
    levels: Mapping[str, Bilingual] = {}
    counted: tuple[str, ...] = ()
    statement: Bilingual = Bilingual()  # who the counted people are: "of those asked were late"
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
    """One questionnaire and its index rules, checked completely.

    ``on_time_item`` is the item on whether the result came in time, ``officials_factor`` the factor
    on the attitude of officials: both are set beside the records of the offices (rule D7).
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: Bilingual
    source: Statement
    status: Status
    valid_from: Day = None
    valid_to: Day = None
    population: Bilingual = Bilingual()
    people: Bilingual = Bilingual()
    measured: Bilingual = Bilingual()
    scale: Scale = Scale()
    blocks: Mapping[str, Part] = {}
    factors: Mapping[str, Part] = {}
    items: Mapping[str, Item]
    overall_item: OverallItem | None = None
    beside_items: Mapping[str, Question] = {}
    indicators: Mapping[str, Indicator] = {}
    index: Index = Index()
    on_time_item: str = ""
    officials_factor: str = ""

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        for at, message, fields in self.find_mistakes():
            raise ConfigError(message, (), at, **fields)
        return self

    def find_mistakes(self) -> Iterator[Mistake]:
        """Yield the mistakes in how the parts fit each other: key, message id and its fields."""
        yield from self._find_wrong_parts()
        yield from self._find_wrong_scales()
        yield from self._find_wrong_rules()

    def _find_wrong_parts(self) -> Iterator[Mistake]:
        """Yield items, factors and codes that do not fit each other."""
        factors = ", ".join(self.factors)
        at: tuple[str, ...]
        if not self.items:
            yield ("items",), "pack_no_items", {}
        for code, item in self.items.items():
            if item.factor and item.factor not in self.factors:
                at = ("items", code, "factor")
                yield at, "pack_factor", {"item": code, "factor": item.factor, "known": factors}
        for code, factor in self.factors.items():
            if self.blocks and factor.block not in self.blocks:
                at = ("factors", code)
                yield at, "pack_block", {"factor": code, "known": ", ".join(self.blocks)}
            if not self.items_of(code):
                yield ("factors", code), "pack_empty", {"factor": code}
        for key, known in (("on_time_item", self.rated_codes), ("officials_factor", self.factors)):
            if getattr(self, key) and getattr(self, key) not in known:
                yield (key,), "pack_role", {"code": getattr(self, key), "known": ", ".join(known)}
        codes = [*self.items, *self.factors, *self.blocks, *self.indicators, OVERALL]
        codes += [*self.questions_beside]
        codes += [code for code in RESERVED if code in codes]
        for code in codes:
            if codes.count(code) > 1:
                yield ("items", code), "pack_twice", {"code": code}

    def _find_wrong_scales(self) -> Iterator[Mistake]:
        """Yield scales whose values cannot be added up with those of the index."""
        for code, scale in {code: self.scale_of(code) for code in self.rated_codes}.items():
            at = ("items" if code in self.items else "beside_items", code)
            if code in self.items and scale.score:
                yield at, "pack_nps_in_index", {"item": code}
            elif code in self.items and scale.points and not self.index.points:
                yield at, "pack_points_beside", {"item": code}
            elif self.index.points and scale.levels != self.scale.levels and not scale.points:
                yield at, "pack_points_missing", {"item": code}

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
            if rule.rule in ("mean_of_factors", "weights") and not self.has_factors:
                at = ("index", name, "rule")
                yield at, "pack_no_factor", {"items": ", ".join(self.items_of(""))}

    @property
    def has_factors(self) -> bool:
        """Whether every item belongs to a factor, so that factors make up the index."""
        return not self.items_of("")

    @property
    def questions_beside(self) -> dict[str, Question]:
        """Questions outside the index, by code: the overall item if any, then the others."""
        overall = {self.overall_item.code: self.overall_item} if self.overall_item else {}
        return {**overall, **self.beside_items}

    @property
    def rated_codes(self) -> list[str]:
        """Codes of all questions on satisfaction: the items, then those outside the index."""
        return [*self.items, *self.questions_beside]

    def find_question(self, code: str) -> Question:
        """Return the item or other question on satisfaction of a code."""
        return self.items[code] if code in self.items else self.questions_beside[code]

    def scale_of(self, code: str) -> Scale:
        """Return the scale of a question: its own, else that of its factor, block or the pack."""
        scale = self.find_question(code).scale
        factor = self.factors.get(self.items[code].factor) if code in self.items else None
        block = self.blocks.get(factor.block) if factor else None
        return scale or (factor and factor.scale) or (block and block.scale) or self.scale

    def satisfied_levels(self, codes: Iterable[str]) -> list[int]:
        """Return the lowest satisfied level of each question."""
        return [self.scale_of(code).satisfied_from for code in codes]

    @property
    def has_single_scale(self) -> bool:
        """Whether all items of the index have the same levels, so that a mean level exists."""
        return len({self.scale_of(code).levels for code in self.items}) == 1

    @property
    def of_other_scale(self) -> tuple[str, ...]:
        """Items, and factors with such an item, that have another scale than most items.

        Their answers are held to another threshold: their figures cannot be compared with the
        others, nor with the index.
        """
        scales = [self.scale_of(code) for code in self.items]
        ends = [(scale.low, scale.high, scale.satisfied_from) for scale in scales]
        usual = max(ends, key=ends.count, default=None)
        items = [code for code, own in zip(self.items, ends, strict=True) if own != usual]
        mixed = {self.items[code].factor for code in items}
        return (*items, *(code for code in self.factors if code in mixed))

    @property
    def is_own(self) -> bool:
        """Whether the questionnaire is somebody's own: it names no source, as from a data frame."""
        return not self.source.text("vi")

    @property
    def usual_items(self) -> list[str]:
        """Items with the scale of most items, which can be compared with each other."""
        others = self.of_other_scale
        return [code for code in self.items if code not in others]

    def list_codes(self, code: str, kind: Literal["blank", "not_applicable"]) -> tuple[str, ...]:
        """Return the codes of no answer of a question: its own, and those of the pack."""
        scale, codes = self.scale_of(code), getattr(self.scale, kind)
        levels = {str(level) for level in scale.levels}
        shared = [text for text in codes if scale is self.scale or text not in levels]
        return (*getattr(scale, kind), *shared)

    def rules_by_level(self) -> tuple[tuple[str, IndexRule], ...]:
        """Return the index rules by level, from parts to the whole."""
        levels = ("factor", "block", "overall") if self.blocks else ("factor", "overall")
        return tuple((level, getattr(self.index, level)) for level in levels)

    def items_of(self, part: str) -> list[str]:
        """Return the codes of the items of a factor, a block or the whole; without: ``""``."""
        if part == OVERALL:
            return list(self.items)
        if not part:
            return [code for code, item in self.items.items() if not item.factor]
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
            self.questions_beside,
        )
        for texts in parts:
            if code in texts:
                return texts[code].text(language) or code
        return code

    def is_unattributed(self, code: str) -> bool:
        """Return whether the pack names a source that is not known to have this item's wording."""
        return (
            bool(self.source.text("vi"))
            and code in self.items
            and self.items[code].status != "sourced"
        )

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
    check_path(name, "name")
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = PACKS / f"{name}.yaml"
        if not path.is_file():
            raise ConfigError("pack_unknown", name=name, known=list_known(name, list_packs()))
    return _read_unchanged(path.absolute(), copy_input(path))


@cache
def _read_unchanged(path: Path, _copy: Path) -> Instrument:
    """Return the pack of a file; read the file again only if its content differs."""
    return read_model(path, Instrument)


def list_packs() -> list[str]:
    """Return the ids of the packs that come with the program, sorted."""
    return sorted(path.stem for path in PACKS.glob("*.yaml"))
