"""One wave, one file: ``wave.yaml`` holds everything that changes from year to year.

Nothing is configured globally. Paths are relative to the file; codes stay text; a misspelt key
is refused with the right one named.
"""

import difflib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PrivateAttr

from sipas_analysis.errors import ConfigError, FileError, Place
from sipas_analysis.infer.design import Lonely
from sipas_analysis.instrument.pack import RESERVED, Index, Instrument, Status, read_instrument
from sipas_analysis.instrument.strict_yaml import Bilingual, Day, Strict, read_model
from sipas_analysis.messages import LANGUAGES, Language

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Row = Annotated[int, Field(ge=1)]


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def _maybe_empty(value: object) -> object:
    """Take a key with nothing after it as an empty list."""
    return () if value in ("", "null") else value


class Responses(Strict):
    """Some files of answers: a name or a glob, and where their header stands."""

    file: str
    sheet: str = ""
    header: Annotated[
        tuple[Row, ...], BeforeValidator(_listed), Field(min_length=1, max_length=2)
    ] = (1,)
    blank: tuple[str, ...] = ()
    unit: str = ""


class Columns(Strict):
    """Roles of columns, by header text; items and indicators are known by code or wording."""

    form: str = ""
    unit: str = ""
    mode: str = ""
    date: str = ""
    weight: str = ""
    stratum: str = ""
    cluster: str = ""
    fpc: str = ""
    items: Mapping[str, str] = {}
    indicators: Mapping[str, str] = {}
    keys: Mapping[Code, str] = {}
    blank: Mapping[str, tuple[str, ...]] = {}
    labels: Mapping[str, int] = {}
    ignore: Annotated[tuple[str, ...], BeforeValidator(_maybe_empty)] = ()


class Decision(Strict):
    """The decision that publishes the results, if there is one."""

    number: str
    date: Day = None
    status: Status = "unverified"


class Collected(Strict):
    """First and last day of fieldwork."""

    start: Day = Field(default=None, alias="from")
    end: Day = Field(default=None, alias="to")


class Sampling(Strict):
    """How strata and clusters of the sample are to be read (rules V1 and V5)."""

    lonely: Lonely = "fail"
    nested: Literal["true", "false"] = "true"


class Wave(Strict):
    """The facts of one year's survey, as ``wave.yaml`` states them."""

    id: Code
    title: Bilingual
    year: int = Field(ge=2000, le=2100)
    synthetic: Literal["true", "false"] = "false"
    instrument: str
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("vi",)
    province: Bilingual = Bilingual()
    publisher: Bilingual = Bilingual()
    decision: Decision | None = None
    collected: Collected = Collected()
    population: Bilingual = Bilingual()
    seed: int = 1
    responses: Annotated[tuple[Responses, ...], Field(min_length=1)]
    columns: Columns = Columns()
    design: Sampling = Sampling()
    units: str = "units.csv"
    earlier: tuple[str, ...] = ()
    unit_changes: str = ""
    crosswalk: str = ""
    groups: Mapping[Code, Bilingual] = {}
    min_forms: int | None = Field(default=None, ge=2)
    min_cell: int = Field(default=5, ge=2)
    min_answered: int = Field(default=1, ge=1)
    targets: tuple[Annotated[float, Field(ge=0, le=100)], ...] = ()
    outcome: str = ""
    adjusters: tuple[str, ...] = ()
    index: Index | None = None
    _path: Path = PrivateAttr(default=Path("wave.yaml"))

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self._path

    @property
    def is_synthetic(self) -> bool:
        """Whether the answers were made by a program."""
        return self.synthetic == "true"

    @property
    def document_day(self) -> date:
        """The day that documents state: the decision, else the end of fieldwork or of the year."""
        decided = self.decision.date if self.decision else None
        return decided or self.collected.end or date(self.year, 12, 31)

    def path_of(self, name: str) -> Path:
        """Return a path given in the file, relative to the file."""
        return self._path.parent / name

    def list_sources(self) -> list[tuple[Path, Responses]]:
        """Return each file of answers with its entry, in the order of ``responses:`` and names.

        A sheet is read once, by the first entry that names it; what Excel keeps beside an
        open file (``~$…``) is left out.

        Raises:
            FileError: A pattern matches no file.
        """
        found: dict[tuple[Path, str], Responses] = {}
        for one in self.responses:
            globbed = any(sign in one.file for sign in "*?[")
            paths = sorted(self._path.parent.glob(one.file)) if globbed else [self.path_of(one.file)]
            paths = [path for path in paths if not path.name.startswith("~$")]
            if not paths:
                raise FileError("glob_empty", file=one.file, folder=self._path.parent)
            for path in paths:
                found.setdefault((path, one.sheet), one)
        return [(path, one) for (path, _), one in found.items()]

    def list_files(self) -> list[Path]:
        """Return every file that the wave is read from, its own first; absent ones are left out."""
        named = [name for name in (self.units, self.unit_changes, self.crosswalk) if name]
        own = [self.instrument] if self.instrument.endswith((".yaml", ".yml")) else []
        paths = [
            self._path,
            *map(self.path_of, [*own, *named]),
            *(path for path, _ in self.list_sources()),
        ]
        for earlier in self.earlier:
            place = self.path_of(earlier)
            paths += read_wave(place).list_files() if place.exists() else []
        return [path for path in dict.fromkeys(paths) if path.is_file()]

    def read_pack(self) -> Instrument:
        """Return the instrument with the index rules that this wave changes."""
        own = self.instrument.endswith((".yaml", ".yml"))
        found = read_instrument(self.path_of(self.instrument) if own else self.instrument)
        if self.index:
            changed = {key: getattr(self.index, key) for key in self.index.model_fields_set}
            found = found.model_copy(update={"index": found.index.model_copy(update=changed)})
        if self.min_forms:
            index = found.index.model_copy(update={"min_forms": self.min_forms})
            found = found.model_copy(update={"index": index})
        return found


def read_wave(path: str | Path) -> Wave:
    """Read ``wave.yaml``, or the folder that holds one, and check it whole.

    A relative path is looked up from the working folder and then from the folders above it, so
    that a notebook finds ``data/…`` of its project.

    Raises:
        FileError: There is no such file.
        ConfigError: A key or value is wrong; file, line and what to write are named.

    Example:
        >>> import sipas_analysis as sipas
        >>> sipas.read_wave("data/an-giang-2021/wave.yaml").year
        2021
    """
    asked = Path(path)
    here = Path.cwd()
    tried = [folder / asked for folder in (here, *here.parents)]
    found = next((one for one in tried if one.exists()), None)
    if found is None:
        raise FileError("file_missing", file=asked)
    if found.is_dir():
        found = found / "wave.yaml"
    if found.suffix.lower() in (".xlsx", ".xls", ".csv", ".tsv"):
        raise FileError("not_wave", file=asked)
    wave = read_model(found, Wave)
    wave._path = found
    pack = wave.read_pack()
    _check_codes(wave, pack)
    _check_index(wave, pack)
    return wave


def _check_index(wave: Wave, pack: Instrument) -> None:
    """Refuse index rules of the wave that its instrument cannot carry out."""
    for at, message, fields in pack.find_mistakes():
        wrong = ConfigError(message, (), at, **fields)
        said = {lang: f"`{'.'.join(at)}`: {wrong.text(lang)}" for lang in LANGUAGES}
        raise ConfigError("config", [Place(wave.path.name)], at, file=wave.path.name, said=said)


def _check_codes(wave: Wave, pack: Instrument) -> None:
    """Refuse a wave that speaks of items, indicators or an outcome its instrument lacks."""
    codes = [*pack.items] + ([pack.overall_item.code] if pack.overall_item else [])
    if wave.outcome in pack.items:
        raise ConfigError("outcome_in_driver", [Place(wave.path.name)], outcome=wave.outcome)
    asked = {
        "items": (wave.columns.items, codes),
        "indicators": (wave.columns.indicators, [*pack.indicators]),
        "outcome": ([wave.outcome] if wave.outcome else [], codes[len(pack.items) :] or codes),
    }
    taken = [*RESERVED, *codes, *pack.indicators]
    clash = [key for key in wave.columns.keys if key in taken]
    if clash:
        raise ConfigError("wave_key", [Place(wave.path.name)], (), key=clash[0])
    unknown = [
        text for text, level in wave.columns.labels.items() if level not in pack.scale.levels
    ]
    if unknown:
        fields = {"low": pack.scale.low, "high": pack.scale.high}
        raise ConfigError("wave_label", [Place(wave.path.name)], (), label=unknown[0], **fields)
    for key, (named, known) in asked.items():
        for code in named:
            if code not in known:
                close = difflib.get_close_matches(code, known, n=1) or known[:3]
                said = {"key": key, "code": code, "known": ", ".join(close)}
                raise ConfigError("wave_code", [Place(wave.path.name)], (), pack=pack.id, **said)
