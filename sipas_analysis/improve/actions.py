"""Read the library of measures: what a measure answers, and what would show that it worked.

A measure is an entry of ``actions.yaml`` (G1), or of the file in which a province lists its own.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from pydantic import Field

from sipas_analysis.arguments import list_known
from sipas_analysis.collect.responses import Code
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import ConfigError, Place
from sipas_analysis.input_copies import copy_input
from sipas_analysis.instrument.pack import Instrument, Status, list_packs, read_instrument
from sipas_analysis.instrument.strict_yaml import Bilingual, Statement, Strict, read_model
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.sheets.texts import CONTROL, fold_text

Evidence = Literal["opinion", "incidents", "facts"]
Data = Literal["survey", "dossiers", "movements", "queue", "petitions", "checklist", "staff"]
SURVEY = "survey"  # the indicator of a line of a plan that follows the satisfied share of its item
Months = Annotated[int, Field(ge=1, le=60)]


class MeasureIndicator(Bilingual):
    """What would show that a measure worked: from which data, and after how many months."""

    id: Code
    data: Data
    after_months: Months


class Measure(Bilingual):
    """One measure of the library.

    Attributes:
        factor: Code of the factor.
        evidence: The kind of weakness that the measure answers: few people satisfied with an item
            (``opinion``), ``incidents`` that people reported, or ``facts`` in records.
        items: By instrument, the items that the measure answers, or its questions on incidents.
        after_months: Months after which people can have noticed a change.
        indicators: What would show that the measure worked, besides the share of satisfied people.
        owner: The post that is usually in charge.
        status: ``sourced`` if ``source`` has the measure, ``derived`` from the wording of an item.
    """

    factor: str
    evidence: Evidence = "opinion"
    items: Mapping[str, tuple[str, ...]] = {}
    after_months: Months = 6
    indicators: Annotated[tuple[MeasureIndicator, ...], Field(min_length=1)]
    owner: Statement = Bilingual()
    status: Status = "unverified"
    source: Statement = Bilingual()


class Library(Strict):
    """All measures, by id; ``source`` is that of the article with which the library began.

    ``head`` is the post that leads a unit; one whose name begins with a word of ``chaired`` has a
    ``chair`` instead.
    """

    source: Statement = Bilingual()
    head: Statement = Bilingual()
    chair: Statement = Bilingual()
    chaired: tuple[str, ...] = ()
    measures: Mapping[Code, Measure]

    def name_owner(self, measure: Measure, unit_name: str) -> Bilingual:
        """Return the post that is usually in charge of a measure in a unit."""
        words = tuple(fold_text(word) + " " for word in self.chaired)
        is_chaired = measure.owner == self.head and fold_text(unit_name).startswith(words)
        return self.chair if is_chaired else measure.owner

    def answer_items(self, pack_id: str, evidence: Evidence = "opinion") -> dict[str, str]:
        """Return the measure for each item of an instrument that has one, by code.

        Of several measures the first goes, the wave's own before those of the library; none stands
        in for a measure that does not fit.
        """
        answers: dict[str, str] = {}
        for name, measure in self.measures.items():
            if measure.evidence == evidence:
                answers = dict.fromkeys(measure.items.get(pack_id, ()), name) | answers
        return answers


def read_library(wave: Wave | None = None) -> Library:
    """Read the library that comes with the program, and before it a wave's own measures.

    Raises:
        FileError: The file of the wave's own measures is missing.
        ConfigError: A measure repeats an id, names a factor, an item or an instrument that does not
            exist, or has no indicator; an indicator has the id of another one.

    Source: rule G1 in docs/method.md.
    """
    library = _read_unchanged(Path(__file__).parent / "actions.yaml", None)
    path = wave.measures_path if wave else None
    if wave is None or path is None:
        return library
    own = _read_unchanged(path.absolute(), copy_input(path))
    _check_measures(own, library, wave.read_pack(), path.name)
    return library.model_copy(update={"measures": {**own.measures, **library.measures}})


@cache
def _read_unchanged(path: Path, _copy: Path | None) -> Library:
    """Return the measures of a file; read the file again only if its content differs."""
    return read_model(path, Library)


def _check_measures(own: Library, library: Library, pack: Instrument, file: str) -> None:
    """Refuse own measures that do not fit the library or their instruments."""
    _check_indicators(own, library, file)
    for name, measure in own.measures.items():
        if name in library.measures:
            raise ConfigError("measure_twice", [Place(file)], measure=name)
        texts = [text.vi + text.en for text in (measure, *measure.indicators)]
        if not all(texts) or CONTROL.search("".join([*texts, measure.owner.vi, measure.owner.en])):
            raise ConfigError("measure_text", [Place(file)], measure=name)
        unknown = [code for code in measure.items if code not in {pack.id, *list_packs()}]
        if unknown:
            _refuse_code("pack", unknown[0], [pack.id, *list_packs()], name, file)
        named = [pack if code == pack.id else read_instrument(code) for code in measure.items]
        for instrument in named or [pack]:
            if measure.factor not in instrument.factors:
                _refuse_code("factor", measure.factor, instrument.factors, name, file)
            has_incidents = measure.evidence == "incidents"
            known = [*(instrument.indicators if has_incidents else instrument.items)]
            for code in measure.items.get(instrument.id, ()):
                if code not in known:
                    _refuse_code("item", code, known, name, file)


def _check_indicators(own: Library, library: Library, file: str) -> None:
    """Refuse an indicator whose id has other words or data elsewhere: a plan names the id alone."""
    known: dict[str, dict[Language, str]] = {
        SURVEY: {tongue: say(tongue, "plan.indicator.survey") for tongue in LANGUAGES}
    }
    for name, measure in {**library.measures, **own.measures}.items():
        for indicator in measure.indicators:
            meant = {tongue: f"{indicator.text(tongue)} ({indicator.data})" for tongue in LANGUAGES}
            if known.setdefault(indicator.id, meant) != meant:
                raise ConfigError(
                    "measure_indicator",
                    [Place(file)],
                    measure=name,
                    code=indicator.id,
                    meant=known[indicator.id],
                )


def _refuse_code(kind: str, code: str, known: Iterable[str], measure: str, file: str) -> NoReturn:
    """Refuse a code of a measure that does not exist."""
    raise ConfigError(
        f"measure_{kind}",
        [Place(file)],
        measure=measure,
        code=code,
        known=list_known(code, known),
    )
