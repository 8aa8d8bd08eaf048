"""Put a run into one file that proves itself, and take it out again without trusting it.

With the inputs an auditor computes every figure again, by the program that lies beside them; a
public archive holds no form and no block of totals, only what is published, and its README says
what can then still be checked.
"""

import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ReceiptError
from sipas_analysis.files import hash_file, write_whole, zipped
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import LANGUAGES, Language, number, say
from sipas_analysis.publish.crate import CRATE, crate
from sipas_analysis.publish.readable import STEM
from sipas_analysis.publish.receipt import NAME, ROOT, Facts, read_receipt
from sipas_analysis.publish.report import HOME, notebooks
from sipas_analysis.publish.run import hash_program, sources
from sipas_analysis.publish.verify import Finding, Verdict, verify

OUTPUTS, INPUTS, PROGRAM, WAVE, LOCK = (
    "outputs",
    "inputs",
    "program",
    "wave.txt",
    "requirements.lock",
)
BUILD = (LOCK, "pyproject.toml", "README.md", "LICENSE")  # what pip needs beside the package
LARGEST, MOST = 4_000_000_000, 200_000  # bytes and files that an archive may unfold to


def write_archive(out: Path, path: Path, wave: Path | None = None, *, public: bool = False) -> Path:
    """Write a run, what it was made from and how to check it as one zip; return its path.

    Args:
        out: Output folder with its receipt.
        path: The archive to write, whole or not at all.
        wave: ``wave.yaml``; where the receipt says it lies if left out.
        public: Leave the inputs and all reports out: tables with hidden cells and receipt only.

    Raises:
        ReceiptError: There is no receipt, or an input lies above the folder of ``wave.yaml``.
    """
    facts = read_receipt(out)
    parts = dict(_parts(facts, out, wave, public=public))
    held = {name: it for name, it in facts["outputs"].items() if f"{OUTPUTS}/{name}" in parts}
    inputs = "" if public else f"{INPUTS}/"
    parts[CRATE] = crate(facts | {"outputs": held}, f"{OUTPUTS}/", inputs).encode("utf-8")
    return write_whole(path, zipped(sorted(parts.items())))


def _parts(
    facts: Facts, out: Path, wave: Path | None, *, public: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of everything that goes into an archive."""
    for language in LANGUAGES:
        yield f"README.{language}.txt", _readme(facts, language, public=public).encode("utf-8")
    yield f"{OUTPUTS}/{NAME}", (out / NAME).read_bytes()
    for name in facts["outputs"]:
        kept = name.startswith(("tables/", f"{STEM}."))
        if (out / name).is_file() and (not public or kept):
            yield f"{OUTPUTS}/{name}", (out / name).read_bytes()
    for path in (ROOT / name for name in BUILD):
        if path.is_file():
            yield f"{PROGRAM}/{path.name}", path.read_bytes()
    for path in sources(HOME, notebooks()):
        home, place = (path.parent, "notebooks") if path.suffix == ".ipynb" else (HOME, HOME.name)
        yield f"{PROGRAM}/{place}/{_below(path, home)}", path.read_bytes()
    if not public:
        yield from _inputs(wave or out / str(facts["wave_file"]))


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _readme(facts: Facts, language: Language, *, public: bool) -> str:
    """Say how to check an archive, with a figure of its own to follow."""
    named = (one for one in facts["figures"] if one["id"].startswith(f"{OVERALL}@"))
    one: Facts = next((it for it in named if it.get("printed") and ":" not in it["id"]), {})
    kind = "public" if public else "whole"
    return say(
        language, f"archive.readme.{kind}", receipt=facts["sha256"], unit=one.get("id", "")[8:],
        python=facts["program"]["python"], figure=number(one.get("printed"), language),
    )  # fmt: skip


def _inputs(place: Path) -> Iterator[tuple[str, bytes]]:
    wave = read_wave(place)
    home = wave.path.absolute().parent
    yield WAVE, wave.path.name.encode("utf-8")
    for path in wave.files():
        if not path.absolute().is_relative_to(home):
            raise ReceiptError("archive_outside", path=path, home=home)
        yield f"{INPUTS}/{_below(path.absolute(), home)}", path.read_bytes()


@dataclass(frozen=True)
class Run:
    """Where a run lies: its outputs, its wave if that came with it, the archive around it."""

    out: Path
    wave: Path | None = None
    folder: Path | None = None


@contextmanager
def opened(path: Path) -> Iterator[Run]:
    """Find a run in an output folder, in an archive, or in a folder where one was unpacked.

    Raises:
        ReceiptError: It is no archive of ours, leads out of the folder, or would unfold too far.
    """
    if (path / OUTPUTS / NAME).is_file():
        yield _inside(path)
    elif path.is_dir():
        yield Run(path)
    else:
        with tempfile.TemporaryDirectory() as aside:
            yield open_archive(path, Path(aside))


@contextmanager
def made_from(path: Path) -> Iterator[tuple[Path, Facts | None]]:
    """Find the wave, and the receipt if there is one, of a wave's own file, a run or an archive.

    Raises:
        ReceiptError: It is no archive of ours, or came without its inputs.
    """
    if path.suffix in (".yaml", ".yml") or (path / "wave.yaml").is_file():
        yield path, None
        return
    with opened(path) as run:
        facts = read_receipt(run.out)
        if run.folder is not None and run.wave is None:
            raise ReceiptError("archive_no_inputs", path=path)
        yield run.wave or run.out / str(facts["wave_file"]), facts


def open_archive(path: Path, folder: Path) -> Run:
    """Unfold an archive into an empty folder; return what lies there.

    Raises:
        ReceiptError: It is no archive of ours, leads out of the folder, or would unfold too far.
    """
    try:
        with zipfile.ZipFile(path) as held:
            parts = held.infolist()
            _check(path, parts)
            for part in parts:
                target = folder / part.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with held.open(part) as source:
                    target.write_bytes(source.read(part.file_size + 1))
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise ReceiptError("archive_unreadable", path=path, why=error) from error
    return _inside(folder)


def _inside(folder: Path) -> Run:
    named = folder / WAVE
    name = named.read_text("utf-8", errors="replace").strip() if named.is_file() else ""
    wave = (folder / INPUTS / name).resolve()
    known = bool(name) and wave.is_relative_to((folder / INPUTS).resolve())
    return Run(folder / OUTPUTS, wave if known else None, folder)


def _check(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    """Refuse names that lead elsewhere, links, doubled names and more than a disk should take."""
    for part in parts:
        steps = part.filename.replace("\\", "/").split("/")
        link = part.external_attr >> 16 & 0o170000 == 0o120000
        if ".." in steps or steps[0] == "" or ":" in steps[0] or link or part.is_dir():
            raise ReceiptError("archive_path", path=path, found=part.filename)
    names = [part.filename for part in parts]
    total = sum(part.file_size for part in parts)
    if total > LARGEST or len(parts) > MOST or len(set(names)) < len(names):
        raise ReceiptError("archive_size", path=path, found=total, n=len(parts))


def verify_run(run: Run, wave: Path | None = None) -> Verdict:
    """Check a run where it lies; of an archive, its program and lock too.

    Args:
        run: What ``opened`` found.
        wave: ``wave.yaml`` or its folder, if the inputs lie elsewhere.
    """
    public = run.folder is not None and run.wave is None
    found = verify(run.out, wave or run.wave, public=public)
    if run.folder is None:
        return found
    beside = _program(run.folder / PROGRAM, read_receipt(run.out)["program"])
    return replace(found, findings=(*found.findings, *beside))


def _program(folder: Path, made_by: Mapping[str, Any]) -> Iterator[Finding]:
    """Say whether the program of an archive, and its lock, are those that made the run."""
    files = sources(folder / HOME.name, folder / "notebooks")
    lock = folder / LOCK
    now = {"sha256": hash_program(files, dict(made_by["libraries"])),
           "lock": hash_file(lock) if lock.is_file() else ""}  # fmt: skip
    for (name, new), place in zip(now.items(), (PROGRAM, f"{PROGRAM}/{LOCK}"), strict=True):
        if made_by[name] != new:
            yield Finding("output", place, old=made_by[name], new=new)
