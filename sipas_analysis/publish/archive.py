"""Put a run into one file that proves itself, and take it out again without trusting it.

With the inputs an auditor computes every figure again, by the program that lies beside them; a
public archive holds no form and no block of totals, only what is published, and its README says
what can then still be checked.
"""

import hashlib
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ReceiptError
from sipas_analysis.files import hash_file, write_whole, zipped
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import LANGUAGES, Language, number, say
from sipas_analysis.publish.crate import CRATE, crate
from sipas_analysis.publish.readable import STEM
from sipas_analysis.publish.receipt import NAME, ROOT, Facts, built, read_receipt
from sipas_analysis.publish.report import HOME, notebooks
from sipas_analysis.publish.run import hash_program, program, sources
from sipas_analysis.publish.verify import Finding, Verdict, verify

OUTPUTS, INPUTS, PROGRAM = "outputs", "inputs", "program"
BESIDE = ("README.md", "LICENSE")  # what pip needs beside package, lock and project
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
    about = _about(facts, public=public, own=any(name.startswith(PROGRAM) for name in parts))
    return write_whole(path, zipped(sorted((parts | about).items())))


def _parts(
    facts: Facts, out: Path, wave: Path | None, *, public: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of outputs, inputs and, if it made the run, of this program."""
    yield f"{OUTPUTS}/{NAME}", (out / NAME).read_bytes()
    for name in _held(facts, public=public):
        if (out / name).is_file():
            yield f"{OUTPUTS}/{name}", (out / name).read_bytes()
    if facts["program"].get("sha256") == program():
        yield from _program()
    if not public:
        yield from _inputs(wave or out / str(facts["wave_file"]))


def _held(facts: Facts, *, public: bool) -> dict[str, str]:
    """Return the outputs that an archive holds, with their hash."""
    listed: dict[str, str] = facts["outputs"]
    kept = ("tables/", f"{STEM}.")
    return {name: it for name, it in listed.items() if not public or name.startswith(kept)}


def _program() -> Iterator[tuple[str, bytes]]:
    """Yield the files of this program, so that pip can install it; nothing if it cannot."""
    beside = [*built(ROOT).values(), *(ROOT / name for name in BESIDE)]
    if not all(path.is_file() for path in beside):
        return
    for path in beside:
        yield f"{PROGRAM}/{path.name}", path.read_bytes()
    for path in sources(HOME, notebooks()):
        home, place = (path.parent, "notebooks") if path.suffix == ".ipynb" else (HOME, HOME.name)
        yield f"{PROGRAM}/{place}/{_below(path, home)}", path.read_bytes()


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _about(facts: Facts, *, public: bool, own: bool) -> dict[str, bytes]:
    """Return the files that tell of an archive: how to check it, and its crate."""
    held = facts | {"outputs": _held(facts, public=public)}
    made = {f"README.{it}.txt": _readme(facts, it, public=public, own=own) for it in LANGUAGES}
    made[CRATE] = crate(held, f"{OUTPUTS}/", "" if public else f"{INPUTS}/")
    return {name: text.encode("utf-8") for name, text in made.items()}


def _readme(facts: Facts, language: Language, *, public: bool, own: bool) -> str:
    """Say how to check an archive, with a figure of its own to follow."""
    named = (one for one in facts["figures"] if str(one.get("id")).startswith(f"{OVERALL}@"))
    one: Facts = next((it for it in named if it.get("printed") and ":" not in it["id"]), {})
    by = facts["program"]
    install = say(language, f"archive.install.{'own' if own else 'other'}",
                  python=by.get("python"), version=by.get("version"),
                  commit=by.get("commit") or "–")  # fmt: skip
    kind = "public" if public else "whole"
    return say(
        language, f"archive.readme.{kind}", receipt=facts.get("sha256"), install=install,
        unit=one.get("id", "")[len(OVERALL) + 1 :], figure=number(one.get("printed"), language),
    )  # fmt: skip


def _inputs(place: Path) -> Iterator[tuple[str, bytes]]:
    wave = read_wave(place)
    home = wave.path.absolute().parent
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
    """Return the run of an unfolded archive; the first of its inputs is the wave's own file."""
    inputs = (folder / INPUTS).resolve()
    listed = read_receipt(folder / OUTPUTS)["inputs"] if inputs.is_dir() else []
    wave = (inputs / str(listed[0].get("file"))).resolve() if listed else inputs.parent
    return Run(folder / OUTPUTS, wave if wave.is_relative_to(inputs) else None, folder)


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
    facts = read_receipt(run.out)
    beside = (*_other_program(run.folder, facts["program"]), *_other_words(run.folder, facts))
    return replace(found, findings=(*found.findings, *beside))


def _other_program(folder: Path, made_by: Mapping[str, Any]) -> Iterator[Finding]:
    """Say whether the program of an archive, and how it is built, are those of the run."""
    own = folder / PROGRAM
    if not own.is_dir():
        return
    files = sources(own / HOME.name, own / "notebooks")
    yield from _other(PROGRAM, {made_by.get("sha256")}, hash_program(files, made_by["libraries"]))
    for name, path in built(own).items():
        new = hash_file(path) if path.is_file() else None
        yield from _other(_below(path, folder), {made_by.get(name)}, new)


def _other_words(folder: Path, facts: Facts) -> Iterator[Finding]:
    """Say whether what tells of an archive was edited, as far as this program wrote it."""
    if facts["program"].get("sha256") != program():
        return
    known: dict[str, set[object]] = {}
    for public, own in product((False, True), repeat=2):
        for name, data in _about(facts, public=public, own=own).items():
            known.setdefault(name, set()).add(hashlib.sha256(data).hexdigest())
    for name, old in known.items():
        path = folder / name
        yield from _other(name, old, hash_file(path) if path.is_file() else None)


def _other(name: str, old: set[object], new: str | None) -> Iterator[Finding]:
    if new not in old:
        yield Finding("output", name, old=min(map(str, old)), new=new)
