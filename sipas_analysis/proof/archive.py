"""Pack a run into one file that can be verified, and unpack such a file without trusting it.

An archive contains the inputs and the program, so that an auditor can compute every figure again.
A public archive contains no form, only published files; its README explains the possible checks.
"""

import hashlib
import lzma
import posixpath
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from sipas_analysis import __version__
from sipas_analysis.collect.record_sources import RECORD_KINDS
from sipas_analysis.collect.wave import Wave, read_wave
from sipas_analysis.errors import ReceiptError
from sipas_analysis.files import hash_if_there, is_inside, write_privately, write_whole, zip_parts
from sipas_analysis.proof.archive_format import find_foreign_bytes
from sipas_analysis.proof.archive_texts import (
    DEEPEST,
    HERE,
    INPUTS,
    OUTPUTS,
    PLACES,
    PROGRAM,
    find_deep_folder,
    held_outputs,
    make_about_files,
    read_places,
)
from sipas_analysis.proof.findings import Finding, Verification
from sipas_analysis.proof.private_receipt import fill_hashes
from sipas_analysis.proof.program import (
    HOME,
    ROOT,
    Facts,
    build_files,
    describe_program,
    hash_program,
    notebooks_folder,
    source_files,
)
from sipas_analysis.proof.receipt import (
    PRIVATE_NAME,
    RECEIPT_NAME,
    find_wave,
    read_receipt,
    receipt_text,
    relative_path,
    seal_receipt,
)
from sipas_analysis.proof.verify import Remake, find_wave_file, verify
from sipas_analysis.proof.wheels import WHEELS, find_other_wheels, read_wheels

DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
LARGEST, MOST = 4_000_000_000, 200_000  # bytes and files that an archive may unpack to


def write_archive(
    out: Path,
    path: Path,
    wave: Path | None = None,
    *,
    public: bool = False,
    wheels: bool | Path = False,
) -> Path:
    """Write a run, its inputs and the instructions for a check as one zip; return its path.

    Args:
        out: Output folder with its receipt.
        path: The archive to write, whole or not at all.
        wave: ``wave.yaml``; the path that the run noted if left out.
        public: Leave out the inputs and all reports; pack the tables, whose cells may be hidden,
            and the receipt.
        wheels: Pack the wheels of the lock, for this Python and system: True fetches them, a folder
            of them is taken as it is.

    Raises:
        ReceiptError: There is no receipt, a file is not the one in the receipt, an input is too far
            from ``wave.yaml``, or a wheel is missing.
    """
    facts = read_receipt(out)
    parts, inputs = dict(_archive_parts(facts, out, public=public)), dict[str, tuple[str, Path]]()
    if not public:
        inputs = _place_inputs(find_wave_file(wave or find_wave(out) or out, facts["inputs"]))
        parts |= {place: file.read_bytes() for place, file in inputs.values()}
    places = {name: place for name, (place, _) in inputs.items()}
    _check_unchanged(facts, parts, out, places, public=public)
    has_program = any(name.startswith(PROGRAM) for name in parts)
    if wheels:
        parts |= read_wheels(facts, wheels if isinstance(wheels, Path) else None)
    about = make_about_files(facts, places, has_program=has_program, has_wheels=bool(wheels))
    content = zip_parts(sorted((parts | about).items()))
    with nullcontext() if public else write_privately():
        return write_whole(path, content)


def _archive_parts(facts: Facts, out: Path, *, public: bool) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of outputs and of this program, if it made the run."""
    yield f"{OUTPUTS}/{RECEIPT_NAME}", (out / RECEIPT_NAME).read_bytes()
    if not public and (out / PRIVATE_NAME).is_file():
        yield f"{OUTPUTS}/{PRIVATE_NAME}", (out / PRIVATE_NAME).read_bytes()
    for name in held_outputs(facts, public=public):
        if (out / name).is_file():
            yield f"{OUTPUTS}/{name}", (out / name).read_bytes()
    now = describe_program()
    if all(facts["program"][key] == now[key] for key in ("sha256", *build_files(ROOT))):
        yield from _program_parts()


def _check_unchanged(
    facts: Facts,
    parts: Mapping[str, bytes],
    out: Path,
    places: Mapping[str, str],
    *,
    public: bool,
) -> None:
    """Refuse to pack a file that differs from the receipt, because it could not be verified."""
    packed = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in parts.items()
        if not name.startswith(f"{PROGRAM}/")
    }
    present = {name: packed[place] for name, place in places.items() if place in packed}
    inputs = () if public else fill_hashes(facts, out, present)
    listed = {f"{OUTPUTS}/{name}": sha for name, sha in held_outputs(facts, public=public).items()}
    listed |= {places.get(row["file"], row["file"]): row["sha256"] for row in inputs}
    if facts.get("private") and not public:
        listed[f"{OUTPUTS}/{PRIVATE_NAME}"] = facts["private"]
    receipt = packed.pop(f"{OUTPUTS}/{RECEIPT_NAME}")
    other = sorted(name for name, _ in listed.items() ^ packed.items())
    if (
        other
        or receipt != hashlib.sha256(receipt_text(seal_receipt(facts)).encode("utf-8")).hexdigest()
    ):
        path = other[0].partition("/")[2] if other else RECEIPT_NAME
        raise ReceiptError("archive_changed", path=path, out=out)


def _program_parts() -> Iterator[tuple[str, bytes]]:
    """Yield the files of this program, so that pip can install it; nothing if it cannot."""
    files = {path.name: path for path in build_files(ROOT).values()}
    if all(path.is_file() for path in files.values()):
        for name, path in (files | source_files(HOME, notebooks_folder())).items():
            yield f"{PROGRAM}/{name}", path.read_bytes()


def _place_inputs(wave_path: Path) -> dict[str, tuple[str, Path]]:
    """Return the place of each input in an archive and its file, by its name and by its path.

    Raises:
        ReceiptError: A file is too far from ``wave.yaml`` for an archive.
    """
    wave = read_wave(wave_path)
    home = wave.path.absolute().parent
    names = {path: name for path, name in wave.name_files().items() if path.is_file()}
    files = {relative_path(path, home): path for path in names}
    inside = find_deep_folder(files)
    far = [home / name for name in _list_names(wave) if Path(name).is_absolute()]
    far += [path for name, path in files.items() if HERE in name.split("/")]
    if far or inside.count("/") > DEEPEST:
        far.append(files[max(files, key=lambda name: name.count(".."))])
        raise ReceiptError("archive_outside", path=far[0], home=home)
    placed = {name: (posixpath.normpath(f"{inside}/{name}"), path) for name, path in files.items()}
    return placed | {names[path]: (place, path) for place, path in placed.values()}


def _list_names(wave: Wave) -> Iterator[str]:
    """Yield the name of every file, or pattern of files, as ``wave.yaml`` has it."""
    yield from (wave.instrument, wave.units, *wave.earlier, *wave.plan, wave.measures)
    yield from (responses.file for responses in wave.responses)
    if wave.records:
        yield from wave.records.calendar
        for kind in RECORD_KINDS:
            yield from (entry.file for entry in getattr(wave.records, kind))


@dataclass(frozen=True)
class RunLocation:
    """Where the parts of a run are.

    Attributes:
        out: Its outputs.
        wave: Its wave, if the archive contains the wave.
        folder: The unpacked archive around the outputs, if there is one.
        archive: The archive that was just unpacked, so that the folder contains nothing else.
    """

    out: Path
    wave: Path | None = None
    folder: Path | None = None
    archive: Path | None = None


@contextmanager
def open_run(path: Path) -> Iterator[RunLocation]:
    """Find a run in an output folder, in an archive, or in a folder where one was unpacked.

    Raises:
        ReceiptError: No such folder or file, not an archive of this program, a name that leads out
            of the folder, or too much content.
    """
    if (path / OUTPUTS / RECEIPT_NAME).is_file():
        yield _locate_unpacked(path)
    elif path.is_dir():
        yield RunLocation(path)
    elif path.suffix in (".yaml", ".yml") or not path.exists():
        raise ReceiptError("run_other" if path.exists() else "run_missing", path=path)
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield open_archive(path, Path(folder))


def find_own_archive() -> RunLocation | None:
    """Return the run of the archive that this program was unpacked from, if it was."""
    folders = (folder for folder in ROOT.parents if (folder / OUTPUTS / RECEIPT_NAME).is_file())
    folder = next(folders, None) if ROOT.name == PROGRAM else None
    return _locate_unpacked(folder) if folder else None


@contextmanager
def find_wave_and_receipt(path: Path) -> Iterator[tuple[Path, Facts | None]]:
    """Find the wave, and the receipt if there is one, from ``wave.yaml``, a run or an archive.

    Raises:
        ReceiptError: Not an archive of this program, or an archive without its inputs.
    """
    if path.suffix in (".yaml", ".yml") or (path / "wave.yaml").is_file():
        yield path, None
        return
    with open_run(path) as run:
        facts = read_receipt(run.out)
        if run.folder is not None and run.wave is None:
            raise ReceiptError("archive_no_inputs", path=path)
        wave = run.wave or find_wave(run.out) or path
        for file in read_wave(wave).list_files() if run.folder else ():
            if not is_inside(file, run.folder / INPUTS if run.folder else None):
                raise ReceiptError("archive_path", path=path, found=file)
        yield wave, facts


def open_archive(path: Path, folder: Path) -> RunLocation:
    """Unpack an archive into an empty folder; return where its parts are.

    Raises:
        ReceiptError: Not an archive of this program, a name that leads out of the folder, or too
            much content.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check_parts(path, parts)
            for part in parts:
                target = folder / part.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(part) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)  # no more than the size it announced
    except DAMAGED as error:
        raise ReceiptError("archive_unreadable", path=path, why=error) from error
    return replace(_locate_unpacked(folder), archive=path)


def _locate_unpacked(folder: Path) -> RunLocation:
    """Return the run of an unpacked archive; the first of its inputs is ``wave.yaml``."""
    if not (folder / INPUTS).is_dir():
        return RunLocation(folder / OUTPUTS, None, folder)
    facts = read_receipt(folder / OUTPUTS)
    wave = folder / read_places(folder, facts)[facts["inputs"][0]["file"]]
    return RunLocation(folder / OUTPUTS, wave if is_inside(wave, folder / INPUTS) else None, folder)


def _check_parts(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    """Refuse names that lead out of the folder, links, repeated names and too much content."""
    for part in parts:
        steps = part.filename.replace("\\", "/").split("/")
        link = part.external_attr >> 16 & 0o170000 == 0o120000
        if ".." in steps or steps[0] == "" or ":" in steps[0] or link or part.is_dir():
            raise ReceiptError("archive_path", path=path, found=part.filename)
    names = [part.filename for part in parts]
    total = sum(part.file_size for part in parts)
    if total > LARGEST or len(parts) > MOST or len(set(names)) < len(names):
        raise ReceiptError("archive_size", path=path, found=total, n=len(parts))


def verify_run(run: RunLocation, wave: Path | None = None, *, remake: Remake) -> Verification:
    """Check a run in its folder; in an archive also the program and its lock file.

    Args:
        run: Result of ``open_run``.
        wave: ``wave.yaml`` or its folder, if the inputs are elsewhere.
        remake: Makes the files of a receipt again, see ``verify``.
    """
    public = run.folder is not None and run.wave is None
    within = None if wave or run.folder is None else run.folder / INPUTS
    verification = verify(run.out, wave or run.wave, remake=remake, public=public, within=within)
    if run.folder is None:
        return verification
    facts = read_receipt(run.out)
    findings = [*_find_strangers(run, facts), *_compare_program(run.folder, facts["program"])]
    if run.archive:
        findings += [
            Finding("zip", run.archive.name, new=why) for why in find_foreign_bytes(run.archive)
        ]
    if all(
        finding.kind != "receipt" for finding in verification.findings
    ):  # else its edits count twice
        findings += _compare_texts(run.folder, facts)
    return replace(verification, findings=(*verification.findings, *findings))


def _find_strangers(run: RunLocation, facts: Facts) -> Iterator[Finding]:
    """Report files that belong to no archive: a file beside a program may be run with it."""
    assert run.folder is not None
    places = read_places(run.folder, facts)
    program = run.folder / PROGRAM
    names = {f"{OUTPUTS}/{name}" for name in (RECEIPT_NAME, PRIVATE_NAME, *facts["outputs"])}
    names |= {*places.values(), *make_about_files(facts, places, has_program=True)}
    sources = source_files(program / HOME.name, program / "notebooks")
    names |= {f"{PROGRAM}/{name}" for name in sources}
    names |= {f"{PROGRAM}/{path.name}" for path in build_files(program).values()}
    folders = [run.folder] if run.archive else [program, run.folder / INPUTS]
    yield from (Finding("stranger", name) for name in find_other_wheels(run.folder))
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        name = path.relative_to(run.folder).as_posix()
        if name.startswith(f"{WHEELS}/"):
            continue
        compiled = path.suffix == ".pyc" and path.parent.name == "__pycache__"
        if compiled and not run.archive:  # made when somebody ran the program
            continue
        if (path.is_file() or path.is_symlink()) and name not in names:
            yield Finding("stranger", name)


def _compare_program(folder: Path, made_by: Facts) -> Iterator[Finding]:
    """Compare the program of an archive, and how it is built, with those of the run."""
    program = folder / PROGRAM
    if not program.is_dir():
        return
    files = source_files(program / HOME.name, program / "notebooks")
    yield from _compare_hash(
        PROGRAM, {made_by["sha256"]}, hash_program(files, made_by["libraries"])
    )
    for name, path in build_files(program).items():
        yield from _compare_hash(f"{PROGRAM}/{path.name}", {made_by[name]}, hash_if_there(path))


def _compare_texts(folder: Path, facts: Facts) -> Iterator[Finding]:
    """Report edits of the files that describe an archive, if this program wrote them."""
    if facts["program"]["version"] != __version__:
        return
    hashes: dict[str, set[object]] = {}
    is_there = {f"has_{name}": (folder / name).is_dir() for name in (PROGRAM, WHEELS)}
    for places in (read_places(folder, facts), {}):
        for name, content in make_about_files(facts, places, **is_there).items():
            hashes.setdefault(name, set()).add(hashlib.sha256(content).hexdigest())
    if not (folder / PLACES).is_file():  # a public archive
        del hashes[PLACES]
    for name, old in hashes.items():
        path = folder / name
        yield from _compare_hash(name, old, hash_if_there(path))


def _compare_hash(name: str, old: set[object], new: str | None) -> Iterator[Finding]:
    if new not in old:
        yield Finding("output", name, old=min(map(str, old)), new=new)
