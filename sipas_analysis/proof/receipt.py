"""The receipt of a run: the inputs, the rules, the program, and every figure.

The receipt is written last. Paths are relative, and the receipt contains no time and no name of a
machine, so two runs on the same inputs give the same receipt. The hash of the receipt is printed on
the console, for the minutes of the meeting: with that hash any copy can be checked.
"""

import hashlib
import json
import os
from dataclasses import asdict
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Annotated, Self

import pandas as pd
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from sipas_analysis.collect.answer_files import hash_answers, holds_answers
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ReceiptError
from sipas_analysis.figures.editions import EDITIONS
from sipas_analysis.figures.published import figures_of
from sipas_analysis.files import FileContent, hash_file, is_inside, write_privately, write_whole
from sipas_analysis.input_copies import copy_inputs
from sipas_analysis.proof.program import Facts, describe_program
from sipas_analysis.reports.file_names import EDITED, RESTRICTED

RECEIPT_NAME, RECEIPT_FORMAT = "receipt.json", "sipas-receipt/4"
EARLIER_FORMATS = ("sipas-receipt/3",)  # without a private receipt
PRIVATE_NAME = "receipt.private.json"
RUN_NAME = "run.json"
VERSION = r"^[0-9]+(\.[0-9]+)+[0-9a-z.+-]{0,40}$"  # of the program, of Python, of a library
LONGEST = 255  # letters of a file's name
UNPROVEN_FOLDERS = ("state", "logs", RESTRICTED, EDITED)  # of a run, not covered by the receipt
UNPROVEN_FILES = (RUN_NAME, ".lock", RECEIPT_NAME, PRIVATE_NAME)


def _is_name(text: str) -> str:
    """Refuse a text that cannot be the name of a file."""
    steps = text.split("/")
    is_long = len(steps) > 50 or any(len(step.encode("utf-8")) > LONGEST for step in steps)
    if "\0" in text or is_long:
        raise ValueError("no name of a file")
    return text


def check_below(text: str) -> str:
    """Refuse the name of a file that leads out of its folder."""
    if text[:1] in ("", "/") or ".." in text.split("/") or "\\" in text or ":" in text:
        raise ValueError("leads out of its folder")
    return _is_name(text)


Hash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$|^$")]
Name = Annotated[str, AfterValidator(_is_name)]
Below = Annotated[str, AfterValidator(check_below)]


class Shape(BaseModel):
    """A part of a receipt; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Input(Shape):
    """A file that was read; of one that holds answers the name only."""

    file: Name
    sha256: Hash = ""
    bytes: int = 0

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        """Refuse a file without hash and size unless it holds answers."""
        n_given = len({"sha256", "bytes"} & self.model_fields_set)
        if n_given == 1 or (n_given == 0 and not holds_answers(self.file)):
            raise ValueError(f"{self.file}: no hash or no size")
        return self


class Program(Shape):
    """The program that made a run."""

    version: Annotated[str, StringConstraints(pattern=VERSION)]
    sha256: Hash
    commit: Annotated[str, StringConstraints(pattern=r"^[\w.+-]{0,99}$")]
    lock: Hash
    project: Hash
    licence: Hash
    python: Annotated[str, StringConstraints(pattern=VERSION)]
    machine: Annotated[str, StringConstraints(pattern=r"^[\w .-]{0,99}$")]
    libraries: dict[
        Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,99}$")],
        Annotated[str, StringConstraints(pattern=VERSION)],
    ]


class WaveFacts(Shape):
    """The wave of a receipt."""

    id: str
    title: str
    year: int
    publisher: str
    day: Annotated[str, AfterValidator(date.fromisoformat)]
    synthetic: bool
    seed: int


class Receipt(Shape):
    """The shape of a receipt, checked before anything in it is used."""

    format: str
    wave: WaveFacts
    inputs: Annotated[list[Input], Field(min_length=1)]
    answers: Hash = ""
    pack: dict[str, str]
    rules: list[dict[str, str]]
    rounding: dict[str, object]
    rows: dict[str, object]
    figures: list[dict[str, float | str]]
    outputs: dict[Below, Hash]
    private: Hash = ""
    program: Program
    sha256: Hash


def receipt_facts(survey: Survey) -> Facts:
    """Return the content of a receipt, except for the output files and the hash of the receipt.

    The options of a run are not in it: two runs that leave the same files have the same receipt.

    Args:
        survey: Survey behind the files.

    Returns:
        Plain data, to be joined by ``outputs``: the hash of each file by its place in the folder.

    Source: rules M6 and P in docs/method.md.
    """
    return {
        "format": RECEIPT_FORMAT,
        **compute_facts(survey),
        "program": describe_program(),
    }


def compute_facts(survey: Survey) -> Facts:
    """Return the facts that follow from the inputs alone; an auditor can compute them again."""
    wave, pack, figures = survey.wave, survey.instrument, figures_of(survey).by_id
    shown = figures[~figures["id"].str.startswith("pair:")]  # pairs are in pairs.csv
    ledger = survey.ledger.groupby(["reason", "column"], dropna=False).size().reset_index()
    return {
        "wave": {
            "id": wave.id,
            "title": wave.title.vi or wave.title.en,
            "year": wave.year,
            "publisher": wave.publisher.vi or wave.publisher.en,
            "day": wave.document_day.isoformat(),
            "synthetic": wave.is_synthetic,
            "seed": wave.seed,
        },
        "inputs": list_inputs(survey),
        "answers": hash_answers((file.file, file.sha256) for file in read_contents(survey)),
        "pack": {"id": pack.id, "status": pack.status, "sha256": _hash_of(pack.model_dump_json())},
        "rules": [
            {"level": level, "rule": rule.rule, "status": rule.status}
            for level, rule in pack.rules_by_level()
        ],
        "rounding": {"decimals": pack.index.decimals, "rule": "M6"},
        "rows": {
            "read": survey.n_read,
            "kept": len(survey.frame),
            "units": int(survey.frame["unit"].nunique()),
            "ledger": [
                {"reason": str(reason), "column": str(column), "n": int(n)}
                for reason, column, n in ledger.itertuples(index=False)
            ],
        },
        "figures": round_figures(shown),
    }


def read_contents(survey: Survey) -> list[FileContent]:
    """Return each file that was read, by its public name, with what was read."""
    return [*(survey.inputs or copy_inputs(survey.wave.name_files())).values()]


def list_inputs(survey: Survey) -> list[Facts]:
    """Return each file that was read, as it may be published: of one with answers its name only."""
    return [
        {"file": file.file} if holds_answers(file.file) else asdict(file)
        for file in read_contents(survey)
    ]


def round_figures(figures: pd.DataFrame) -> list[Facts]:
    """Return figures with ten significant digits; a figure that is hidden has no value."""
    cells = figures.astype(object)
    rows = cells.where(cells.notna(), None).to_dict("records")
    return [
        {str(k): _round_to_ten_digits(v) for k, v in row.items() if v not in (None, "")}
        for row in rows
    ]


def _round_to_ten_digits(value: object) -> object:
    if isinstance(value, str | int):
        return value
    exact = float(f"{float(str(value)):.10g}")
    return exact if isfinite(exact) else str(exact)  # JSON has no infinity


def hash_outputs(out: Path) -> dict[str, str]:
    """Return the hash of every file of a run, by its place in the folder.

    A link that leads out of the folder is no file of the run.
    """
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    paths = {path.relative_to(out).as_posix(): path for path in files}
    return {
        name: hash_file(path)
        for name, path in paths.items()
        if not _is_unproven(name) and is_inside(path, out)
    }


def _is_unproven(name: str) -> bool:
    first, _, _ = name.partition("/")
    return first in UNPROVEN_FOLDERS or name in UNPROVEN_FILES


def seal_receipt(facts: Facts) -> Facts:
    """Return facts with the hash of everything but that hash."""
    bare = {name: value for name, value in facts.items() if name != "sha256"}
    return {**bare, "sha256": _hash_of(receipt_text(bare))}


def keep_old_receipt(facts: Facts, out: Path) -> Facts:
    """Return the receipt in the folder if the new one differs in nothing but the commit."""
    try:
        old = read_receipt(out)
    except ReceiptError:
        return facts
    program = {**facts["program"], "commit": old["program"]["commit"]}
    text = receipt_text(seal_receipt({**facts, "program": program}))
    return old if text == (out / RECEIPT_NAME).read_text("utf-8") else facts


def keep_edition(facts: Facts, out: Path) -> None:
    """Keep the receipt of an earlier edition, of other figures, that a new receipt replaces."""
    try:
        old = read_receipt(out)
    except ReceiptError:
        return
    if old["figures"] != facts["figures"]:
        with write_privately():
            write_whole(out / EDITIONS / f"{old['sha256'][:16]}.json", receipt_text(old))


def write_receipt(facts: Facts, out: Path) -> Path:
    """Write ``receipt.json``, whole or not at all; return its path."""
    return write_whole(out / RECEIPT_NAME, receipt_text(facts))


def read_receipt(out: Path) -> Facts:
    """Read ``receipt.json`` of an output folder.

    Raises:
        ReceiptError: There is no receipt, or this version cannot read it.
    """
    path = out / RECEIPT_NAME
    try:
        facts = json.loads(path.read_text("utf-8"))
        known = (RECEIPT_FORMAT, *EARLIER_FORMATS)
        if isinstance(facts, dict) and facts.get("format") not in known:
            raise ReceiptError(
                "receipt_format", path=path, found=facts.get("format"), known=RECEIPT_FORMAT
            )
        Receipt.model_validate(facts, strict=True)
        receipt_text(facts).encode("utf-8")  # refuses infinity and lone surrogates
    except OSError as error:
        raise ReceiptError("receipt_missing", path=path) from error
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ReceiptError("receipt_unreadable", path=path, why=why) from error
    except (ValueError, RecursionError) as error:
        raise ReceiptError("receipt_unreadable", path=path, why=error) from error
    return dict(facts)


def is_untouched(facts: Facts, out: Path) -> bool:
    """Return whether a receipt is unchanged, letter by letter, and agrees with its hash."""
    return (out / RECEIPT_NAME).read_bytes() == receipt_text(seal_receipt(facts)).encode("utf-8")


def find_wave(out: Path) -> Path | None:
    """Return the path of the wave that ``run.json`` notes beside the outputs."""
    try:
        return out.resolve() / _is_name(json.loads((out / RUN_NAME).read_text("utf-8"))["wave"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def receipt_text(facts: Facts) -> str:
    """Return a receipt as text, always in the same form."""
    return json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def relative_path(path: Path, home: Path) -> str:
    """Return the path from a folder to a file, with ``/``."""
    return Path(os.path.relpath(path.absolute(), home.absolute())).as_posix()
