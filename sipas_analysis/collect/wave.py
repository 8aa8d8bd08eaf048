"""Read ``wave.yaml``, the one file with everything that changes from year to year.

There is no global configuration. Paths are relative to the file. Codes stay text. The error for
a misspelt key names the right key.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr

from sipas_analysis.arguments import check_path, find_nearest
from sipas_analysis.collect.other_indices import OtherIndex
from sipas_analysis.collect.readings import OTHER, OTHER_NAMES, find_choice, fold_answer
from sipas_analysis.collect.record_sources import RecordSources
from sipas_analysis.collect.responses import (
    ROLES,
    Code,
    Columns,
    Dates,
    Decimal,
    FileName,
    FileNames,
    Hidden,
    Responses,
    Texts,
)
from sipas_analysis.collect.wave_parts import (
    Acceptance,
    Collected,
    Decision,
    Duplicates,
    Sampling,
)
from sipas_analysis.errors import ConfigError, FileError, Place, shorten
from sipas_analysis.input_copies import copy_input, find_file, hash_of_copy, is_there
from sipas_analysis.instrument.pack import RESERVED, Index, Instrument, read_instrument
from sipas_analysis.instrument.strict_yaml import (
    Bilingual,
    Strict,
    check_model,
    read_model,
)
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.sheets.file_kinds import ANSWER_ENDINGS, TEXT_ENDINGS
from sipas_analysis.sheets.texts import CONTROL, fold_text

FIRST_YEAR = 2000
NO_YEAR = 0  # of a survey that states none
UNIT_CHANGES_FILE = "unit_changes.csv"  # read if it is there and the wave names no other
PLAN_FILES = ("plan.xlsx", "plan.csv")  # the plan for the coming year; the first that is there


class Wave(Strict):
    """The facts of one year's survey, as ``wave.yaml`` states them."""

    id: Code
    title: Bilingual
    year: int = Field(ge=FIRST_YEAR, le=2100)
    synthetic: Literal["true", "false"] = "false"
    instrument: FileName
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("vi",)
    province: Bilingual = Bilingual()
    publisher: Bilingual = Bilingual()
    decision: Decision | None = None
    collected: Collected = Collected()
    population: Bilingual = Bilingual()
    seed: int = Field(default=1, ge=0)
    responses: Annotated[tuple[Responses, ...], Field(min_length=1)]
    columns: Columns = Columns()
    hidden: Hidden = ""
    dates: Dates = ""
    decimal: Decimal = ""
    only: Mapping[str, Texts] = {}
    leave_out: Mapping[str, Texts] = {}
    duplicates: Duplicates = Duplicates()
    accepted: Mapping[Code, Acceptance] = {}
    keyed_twice: tuple[Responses, ...] = ()
    design: Sampling = Sampling()
    units: FileName = "units.csv"
    earlier: tuple[FileName, ...] = ()
    editions: tuple[FileName, ...] = ()
    unit_changes: FileName = ""
    crosswalk: FileName = ""
    plan: FileNames = ()
    measures: FileName = ""
    other_indices: tuple[OtherIndex, ...] = ()
    groups: Mapping[Code, Bilingual] = {}
    min_forms: int | None = Field(default=None, ge=2)
    min_cell: int = Field(default=5, ge=2)
    min_answered: int = Field(default=1, ge=1)
    targets: tuple[Annotated[float, Field(ge=0, le=100)], ...] = ()
    outcome: str = ""
    adjusters: tuple[str, ...] = ()
    index: Index | None = None
    records: RecordSources | None = None
    _path: Path = PrivateAttr(default=Path("wave.yaml"))
    _sha256: str = PrivateAttr(default="")
    _pack: Instrument | None = PrivateAttr(default=None)

    def __repr__(self) -> str:
        head = say("en", "view.wave", id=self.id, title=self.title.text("en"))
        facts = {"instrument": self.instrument, "year": self.year}
        languages = ", ".join(self.languages)
        tail = say("en", "view.wave.facts", languages=languages, n=len(self.responses), **facts)
        return f"{head}\n{tail}"

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self._path

    @property
    def sha256(self) -> str:
        """Hash of the file as it was read; empty if the wave was not read from a file."""
        return self._sha256

    @property
    def is_synthetic(self) -> bool:
        """Whether the answers are synthetic."""
        return self.synthetic == "true"

    @property
    def document_day(self) -> date:
        """The date of documents: day of the decision, else the end of fieldwork or of the year."""
        decision_day = self.decision.date if self.decision else None
        return decision_day or self.last_day or date(FIRST_YEAR, 12, 31)

    @property
    def first_day(self) -> date | None:
        """First day of fieldwork; the last day if the wave states none."""
        return self.collected.start or self.last_day

    @property
    def last_day(self) -> date | None:
        """Last day of fieldwork, else of the year; None without a year."""
        return self.collected.end or (date(self.year, 12, 31) if self.year else None)

    def path_of(self, name: str) -> Path:
        """Return a path given in the file, relative to the file."""
        return self._path.parent / name

    @property
    def plan_path(self) -> Path | None:
        """Path of the plan for the coming year, beside ``wave.yaml``; None if there is none."""
        if self._pack is not None:
            return None
        return next((path for path in map(self.path_of, PLAN_FILES) if is_there(path)), None)

    @property
    def judged_plan_paths(self) -> list[Path]:
        """Paths of the earlier plans that this wave judges, as ``plan:`` names them."""
        return [self.path_of(name) for name in self.plan]

    @property
    def measures_path(self) -> Path | None:
        """Path of the province's own measures; None if the wave names none."""
        return self.path_of(self.measures) if self.measures else None

    @property
    def key_codes(self) -> list[str]:
        """Codes of the keys of all files."""
        parts = [self.columns, *(responses.columns for responses in self.responses)]
        return list(dict.fromkeys(key for part in parts for key in part.keys))

    @property
    def second_keying(self) -> "Wave":
        """The wave as it is read from the files that were keyed a second time (rule Q7)."""
        return self.model_copy(update={"responses": self.keyed_twice})

    def columns_of(self, responses: Responses) -> Columns:
        """Return the columns of the wave and of an entry, with its labels; the entry goes first."""
        return responses.merge_columns(self.columns)

    def list_sources(self) -> list[tuple[Path, Responses]]:
        """Return each file of answers with its entry, in the order of ``responses:`` and names.

        A sheet is read once, by the first entry that names the sheet.

        Raises:
            FileError: A pattern matches no file.
        """
        entries: dict[tuple[Path, str], Responses] = {}
        for responses in self.responses:
            for path in responses.list_paths(self._path.parent):
                entries.setdefault((path, responses.sheet), responses)
        return [(path, responses) for (path, _), responses in entries.items()]

    def list_files(self) -> list[Path]:
        """Return every existing file that the wave is read from, ``wave.yaml`` first."""
        return [path for path in self.name_files() if is_there(path)]

    def name_files(self) -> dict[Path, str]:
        """Return the public name of every file that the wave may be read from.

        A name is made of what the file is and of its number in ``wave.yaml``, such as
        ``responses-1.csv``: the name that an office gave to a file may hold that of a person. The
        waves that an earlier wave names in its turn are not read, nor are its plans.
        """
        names = self._name_own_files()
        plans = {f"judged_plan-{k}": path for k, path in enumerate(self.judged_plan_paths, 1)}
        if self._pack is None:
            plans["plan"] = self.plan_path or self.path_of(PLAN_FILES[0])
        records = self.records.name_files(self._path.parent) if self.records else {}
        for kind, path in (*plans.items(), *records.items()):
            names.setdefault(path, kind + _find_ending(path))
        for number, name in enumerate(self.earlier, 1):
            if find_file(self.path_of(name), "wave.yaml"):
                for path, known in read_wave(self.path_of(name))._name_own_files().items():
                    names.setdefault(path, f"earlier-{number}/{known}")
        return names

    def _name_own_files(self) -> dict[Path, str]:
        """Return the public names of the files of this wave alone."""
        if self._pack is not None:
            return {}
        pack = self.instrument if self._has_pack_file else ""
        changes = self.unit_changes or UNIT_CHANGES_FILE
        files = {"pack": pack, "units": self.units, "unit_changes": changes}
        files |= {"crosswalk": self.crosswalk, "measures": self.measures}
        paths = {kind: self.path_of(name) for kind, name in files.items() if name}
        for kind, entries in (("responses", self.responses), ("keyed_twice", self.keyed_twice)):
            for number, entry in enumerate(entries, 1):
                matches = entry.list_paths(self._path.parent)
                for position, path in enumerate(matches, 1):
                    place = f"{number}-{position}" if len(matches) > 1 else number
                    paths[f"{kind}-{place}"] = path
        names = {self._path: "wave.yaml"}
        for kind, path in paths.items():
            names.setdefault(path, kind + _find_ending(path))
        return names

    @property
    def _has_pack_file(self) -> bool:
        """Whether the instrument is a file of the user, not a pack of the program."""
        return self.instrument.endswith((".yaml", ".yml"))

    def read_pack(self) -> Instrument:
        """Return the instrument with the index rules that this wave changes."""
        name = self.instrument
        path = self.path_of(name) if self._has_pack_file else name
        pack = self._pack or read_instrument(path)
        if self.index:
            changes = {key: getattr(self.index, key) for key in self.index.model_fields_set}
            pack = pack.model_copy(update={"index": pack.index.model_copy(update=changes)})
        parts = [self.columns, *(responses.columns for responses in self.responses)]
        pack = _add_other_choice(pack, [part for part in parts if part.recode or part.indicators])
        if self.min_forms:
            index = pack.index.model_copy(update={"min_forms": self.min_forms})
            pack = pack.model_copy(update={"index": index})
        return pack


def _add_other_choice(pack: Instrument, parts: Sequence[Columns]) -> Instrument:
    """Return the pack with a choice *other* for each question that the wave recodes to it."""
    indicators = dict(pack.indicators)
    for code, indicator in pack.indicators.items():
        names = (code, indicator.vi, indicator.en, *(part.indicators.get(code) for part in parts))
        folded = {fold_text(name) for name in names if name}
        words = [
            word
            for part in parts
            for name, recode in part.recode.items()
            for word in recode.values()
            if fold_text(name) in folded
        ]
        is_asked = any(fold_answer(word) in OTHER_NAMES for word in words)
        if is_asked and find_choice(indicator, OTHER) is None:
            levels = {**indicator.levels, OTHER: Bilingual(vi="Khác", en="Other")}
            indicators[code] = indicator.model_copy(update={"levels": levels})
    return pack.model_copy(update={"indicators": indicators})


def _find_ending(path: Path) -> str:
    """Return the ending of a file if it is a usual one; others may be part of a name."""
    is_packed = path.suffix.lower() == ".gz"
    ending = "".join(path.suffixes[-2:] if is_packed else path.suffixes[-1:]).lower()
    return ending if ending in (*ANSWER_ENDINGS, *TEXT_ENDINGS, ".csv.gz", ".yaml", ".yml") else ""


def read_wave(path: str | Path) -> Wave:
    """Read and check a ``wave.yaml``, given by its path or its folder.

    A relative path is looked up from the working folder and then from the folders above it, so
    that a notebook finds ``data/…`` of its project.

    Raises:
        FileError: There is no such file.
        ConfigError: A key or value is wrong; the message names file, line and remedy.

    Example:
        >>> import sipas_analysis as sipas
        >>> sipas.read_wave("data/an-giang-2021/wave.yaml").year
        2021
    """
    check_path(path)
    given, here = Path(path), Path.cwd()
    candidates = (find_file(folder / given, "wave.yaml") for folder in (here, *here.parents))
    wave_path = next(filter(None, candidates), None)
    if wave_path is None:
        raise FileError("file_missing", file=given)
    if wave_path.suffix.lower() in ANSWER_ENDINGS:
        raise FileError("not_wave", file=given)
    copy = copy_input(wave_path)
    wave = read_model(copy, Wave)
    wave._path, wave._sha256 = wave_path, hash_of_copy(copy) if copy != wave_path else ""
    pack = wave.read_pack()
    _check_codes(wave, pack)
    _check_index(wave, pack)
    _check_files(wave)
    return wave


def make_wave(facts: Mapping[str, object], pack: Instrument, columns: Columns, path: Path) -> Wave:
    """Return a wave that stands in no file, with its instrument; there is nothing at its path.

    Without a year among the facts the year is 0, and no report names one.

    Raises:
        ConfigError: A fact is wrong.
    """
    wave = check_model({"year": FIRST_YEAR, **facts, "instrument": pack.id}, Wave)
    wave = wave.model_copy(update={"columns": columns, "year": facts.get("year", NO_YEAR)})
    wave._path, wave._pack = path, pack
    return wave


def _check_index(wave: Wave, pack: Instrument) -> None:
    """Refuse index rules of the wave that do not fit its instrument."""
    for at, message_id, fields in pack.find_mistakes():
        mistake = ConfigError(message_id, (), at, **fields)
        sentences = {
            language: f"`{'.'.join(at)}`: {mistake.text(language)}" for language in LANGUAGES
        }
        file = wave.path.name
        raise ConfigError("config", [Place(file)], at, file=file, said=sentences)


def _check_files(wave: Wave) -> None:
    """Refuse names of files that are read late, for a comparison or a plan, and are not there."""
    names = {key: getattr(wave, key) for key in ("unit_changes", "crosswalk", "measures")}
    missing = [
        f"`{key}: {shorten(name)}`"
        for key, name in names.items()
        if name and not is_there(wave.path_of(name))
    ]
    if missing:
        places = [Place(wave.path.name)]
        raise ConfigError("wave_files_missing", places, missing=", ".join(missing))


def check_printed_texts(wave: Wave) -> None:
    """Refuse names of the wave that hold control characters: no report could print them.

    Raises:
        ConfigError: With the key of the name.
    """
    texts = {key: getattr(wave, key) for key in ("title", "province", "publisher", "population")}
    for key, text in {**texts, **wave.groups}.items():
        if CONTROL.search(text.vi + text.en):
            raise ConfigError("wave_text", [Place(wave.path.name)], key=key)


def _check_codes(wave: Wave, pack: Instrument) -> None:
    """Refuse codes of items, indicators, keys, levels or an outcome that do not fit the pack."""
    places = [Place(wave.path.name)]
    if wave.outcome in pack.items:
        raise ConfigError("outcome_in_driver", places, outcome=wave.outcome)
    for responses in wave.responses:
        _check_entry(wave, responses, pack)
    outcomes = [code for code in pack.rated_codes if code not in pack.items] or pack.rated_codes
    _check_known("outcome", [wave.outcome] if wave.outcome else [], outcomes, wave, pack)


def _check_entry(wave: Wave, responses: Responses, pack: Instrument) -> None:
    """Refuse words of an entry or of the wave that clash or do not fit the pack."""
    places, columns, scale = [Place(wave.path.name)], wave.columns_of(responses), pack.scale
    codes = {*pack.rated_codes, *pack.indicators}
    roles = {"fpc", "count", "operator", "time", "dossier"}
    used = {role for role in roles if getattr(columns, role)} & codes
    for key in [key for key in columns.keys if key in {*RESERVED, *roles, *codes}] or used:
        raise ConfigError("wave_key", places, key=key)
    for label, level in columns.labels.items():
        if not any(level in pack.scale_of(code).levels for code in pack.rated_codes):
            raise ConfigError("wave_label", places, label=label, low=scale.low, high=scale.high)
    for code, header in columns.items.items():
        codes_of_header = [c for c, h in columns.items.items() if fold_text(h) == fold_text(header)]
        if header and len(codes_of_header) > 1:
            fields = {"header": header, "codes": ", ".join(codes_of_header)}
            raise ConfigError("wave_header_twice", places, ("columns", "items", code), **fields)
    labels = {fold_answer(text) for text in (*responses.labels, *responses.columns.labels)}
    for text in responses.blank:
        if fold_answer(text) in labels:
            raise ConfigError("wave_label_blank", places, label=text, file=responses.file)
    _check_known("items", [*columns.items], pack.rated_codes, wave, pack)
    _check_known("indicators", [*columns.indicators], [*pack.indicators], wave, pack)
    joinable = [*codes, *columns.keys, *(role for role in ROLES if role != "dossier")]
    _check_known("join", [*columns.join], joinable, wave, pack)


def _check_known(
    key: str, codes: Sequence[str], pack_codes: Sequence[str], wave: Wave, pack: Instrument
) -> None:
    """Refuse a code under ``key`` of ``wave.yaml`` that is not among the codes of the pack."""
    for code in codes:
        if code not in pack_codes:
            close = find_nearest(code, pack_codes) or ", ".join(pack_codes[:3])
            fields = {"key": key, "code": code, "known": close, "pack": pack.id}
            raise ConfigError("wave_code", [Place(wave.path.name)], (), **fields)
