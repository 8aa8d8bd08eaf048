"""Put a run into one file that proves itself, and take it out again without trusting it.

With the inputs an auditor computes every figure again, by the program that lies beside them; a
public archive holds no form and no block of totals, only what is published, and its README says
what can then still be checked.
"""

import hashlib
import lzma
import posixpath
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ReceiptError
from sipas_analysis.files import hash_if_there, is_inside, write_whole, zip_parts
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.proof.program import (
    HOME,
    ROOT,
    Facts,
    build_files,
    describe_program,
    hash_program,
    hash_this_program,
    notebooks_folder,
    source_files,
)
from sipas_analysis.proof.receipt import (
    RECEIPT_NAME,
    find_wave,
    read_receipt,
    receipt_text,
    relative_path,
    seal_receipt,
)
from sipas_analysis.proof.receipt_page import STEM
from sipas_analysis.proof.ro_crate import CRATE, make_crate
from sipas_analysis.proof.verify import Finding, Verdict, verify

OUTPUTS, INPUTS, PROGRAM = "outputs", "inputs", "program"
HERE, DEEPEST = "this-wave", 3  # folder of the wave where inputs lie above it; how far they may
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
LARGEST, MOST = 4_000_000_000, 200_000  # bytes and files that an archive may unfold to


def write_archive(out: Path, path: Path, wave: Path | None = None, *, public: bool = False) -> Path:
    """Write a run, what it was made from and how to check it as one zip; return its path.

    Args:
        out: Output folder with its receipt.
        path: The archive to write, whole or not at all.
        wave: ``wave.yaml``; where the run noted that it lay if left out.
        public: Leave the inputs and all reports out: tables with hidden cells and receipt only.

    Raises:
        ReceiptError: There is no receipt, a file is not the one that it lists, or an input lies
            too far from ``wave.yaml``.
    """
    facts = read_receipt(out)
    parts = dict(_archive_parts(facts, out, wave, public=public))
    _check_unchanged(facts, parts, out, public=public)
    about = _about_files(facts, public=public, own=any(name.startswith(PROGRAM) for name in parts))
    return write_whole(path, zip_parts(sorted((parts | about).items())))


def _archive_parts(
    facts: Facts, out: Path, wave: Path | None, *, public: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of outputs, inputs and, if it made the run, of this program."""
    yield f"{OUTPUTS}/{RECEIPT_NAME}", (out / RECEIPT_NAME).read_bytes()
    for name in _held_outputs(facts, public=public):
        if (out / name).is_file():
            yield f"{OUTPUTS}/{name}", (out / name).read_bytes()
    now = describe_program()
    if all(facts["program"][key] == now[key] for key in ("sha256", *build_files(ROOT))):
        yield from _program_parts()
    if not public:
        place = wave or find_wave(out) or out
        yield from _input_parts(place / facts["inputs"][0]["file"] if place.is_dir() else place)


def _check_unchanged(facts: Facts, parts: Mapping[str, bytes], out: Path, *, public: bool) -> None:
    """Refuse to pack what the receipt does not prove: nobody could verify it later."""
    home = _inputs_folder(one["file"] for one in facts["inputs"])
    listed = {f"{OUTPUTS}/{name}": it for name, it in _held_outputs(facts, public=public).items()}
    for one in () if public else facts["inputs"]:
        listed[posixpath.normpath(f"{home}/{one['file']}")] = one["sha256"]
    packed = {
        name: hashlib.sha256(data).hexdigest()
        for name, data in parts.items()
        if not name.startswith(f"{PROGRAM}/")
    }
    receipt = packed.pop(f"{OUTPUTS}/{RECEIPT_NAME}")
    other = sorted(name for name, _ in listed.items() ^ packed.items())
    if (
        other
        or receipt != hashlib.sha256(receipt_text(seal_receipt(facts)).encode("utf-8")).hexdigest()
    ):
        path = other[0].partition("/")[2] if other else RECEIPT_NAME
        raise ReceiptError("archive_changed", path=path, out=out)


def _held_outputs(facts: Facts, *, public: bool) -> dict[str, str]:
    """Return the outputs that an archive holds, with their hash."""
    listed: dict[str, str] = facts["outputs"]
    kept = ("tables/", f"{STEM}.")
    return {name: it for name, it in listed.items() if not public or name.startswith(kept)}


def _program_parts() -> Iterator[tuple[str, bytes]]:
    """Yield the files of this program, so that pip can install it; nothing if it cannot."""
    files = {path.name: path for path in build_files(ROOT).values()}
    if all(path.is_file() for path in files.values()):
        for name, path in (files | source_files(HOME, notebooks_folder())).items():
            yield f"{PROGRAM}/{name}", path.read_bytes()


def _inputs_folder(inputs: Iterable[str]) -> str:
    """Return the folder of the wave among the inputs of an archive, so that none lies above it."""
    up = max((posixpath.normpath(name).split("/").count("..") for name in inputs), default=0)
    return "/".join([INPUTS, *[HERE] * up])


def _about_files(facts: Facts, *, public: bool, own: bool) -> dict[str, bytes]:
    """Return the files that tell of an archive: how to check it, and its crate."""
    held = facts | {"outputs": _held_outputs(facts, public=public)}
    made = {f"README.{it}.txt": _readme_text(facts, it, public=public, own=own) for it in LANGUAGES}
    if own:
        made[f"{PROGRAM}/README.md"] = made["README.en.txt"]  # pip wants one
    home = _inputs_folder(one["file"] for one in facts["inputs"])
    made[CRATE] = make_crate(held, f"{OUTPUTS}/", "" if public else f"{home}/")
    return {name: text.encode("utf-8") for name, text in made.items()}


def _readme_text(facts: Facts, language: Language, *, public: bool, own: bool) -> str:
    """Say how to check an archive, with a figure of its own to follow."""
    printed = {
        str(one.get("id")): str(one["printed"]) for one in facts["figures"] if one.get("printed")
    }
    units = (it for it in printed if it.startswith(f"{OVERALL}@") and ":" not in it)
    figure, by = next(units, OVERALL), facts["program"]
    install = say(
        language,
        f"archive.install.{'own' if own else 'other'}",
        python=by["python"],
        version=by["version"],
        commit=by["commit"] or "–",
    )
    return say(
        language,
        f"archive.readme.{'public' if public else 'whole'}",
        receipt=facts["sha256"],
        install=install,
        figure=figure,
        printed=printed.get(figure, "–"),
        sipas="check/bin/sipas" if own else "sipas",
        pack=facts["pack"].get("id", "–"),
    )


def _input_parts(place: Path) -> Iterator[tuple[str, bytes]]:
    wave = read_wave(place)
    home = wave.path.absolute().parent
    files = {relative_path(path, home): path for path in wave.list_files()}
    inside = _inputs_folder(files)
    own = (wave.instrument, wave.units, *wave.earlier, *(it.file for it in wave.responses))
    far = [home / it for it in own if Path(it).is_absolute()]
    far += [path for name, path in files.items() if HERE in name.split("/")]
    if far or inside.count("/") > DEEPEST:
        far.append(files[max(files, key=lambda name: name.count(".."))])
        raise ReceiptError("archive_outside", path=far[0], home=home)
    for name, path in files.items():
        yield posixpath.normpath(f"{inside}/{name}"), path.read_bytes()


@dataclass(frozen=True)
class RunLocation:
    """Where a run lies: its outputs, its wave if that came with it, the archive around it.

    ``packed`` says that nothing but the archive's own files can be there.
    """

    out: Path
    wave: Path | None = None
    folder: Path | None = None
    packed: bool = False


@contextmanager
def open_run(path: Path) -> Iterator[RunLocation]:
    """Find a run in an output folder, in an archive, or in a folder where one was unpacked.

    Raises:
        ReceiptError: It is no archive of ours, leads out of the folder, or would unfold too far.
    """
    if (path / OUTPUTS / RECEIPT_NAME).is_file():
        yield _locate_unpacked(path)
    elif path.is_dir():
        yield RunLocation(path)
    else:
        with tempfile.TemporaryDirectory() as aside:
            yield open_archive(path, Path(aside))


@contextmanager
def find_wave_and_receipt(path: Path) -> Iterator[tuple[Path, Facts | None]]:
    """Find the wave, and the receipt if there is one, of a wave's own file, a run or an archive.

    Raises:
        ReceiptError: It is no archive of ours, or came without its inputs.
    """
    if path.suffix in (".yaml", ".yml") or (path / "wave.yaml").is_file():
        yield path, None
        return
    with open_run(path) as run:
        facts = read_receipt(run.out)
        if run.folder is not None and run.wave is None:
            raise ReceiptError("archive_no_inputs", path=path)
        wave = run.wave or find_wave(run.out) or path
        for one in read_wave(wave).list_files() if run.folder else ():
            if not is_inside(one, run.folder / INPUTS if run.folder else None):
                raise ReceiptError("archive_path", path=path, found=one)
        yield wave, facts


def open_archive(path: Path, folder: Path) -> RunLocation:
    """Unfold an archive into an empty folder; return what lies there.

    Raises:
        ReceiptError: It is no archive of ours, leads out of the folder, or would unfold too far.
    """
    try:
        with zipfile.ZipFile(path) as held:
            parts = held.infolist()
            _check_parts(path, parts)
            for part in parts:
                target = folder / part.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with held.open(part) as source, target.open("wb") as made:
                    shutil.copyfileobj(source, made)  # no more than the size it announced
    except DAMAGED as error:
        raise ReceiptError("archive_unreadable", path=path, why=error) from error
    return replace(_locate_unpacked(folder), packed=True)


def _locate_unpacked(folder: Path) -> RunLocation:
    """Return the run of an unfolded archive; the first of its inputs is the wave's own file."""
    if not (folder / INPUTS).is_dir():
        return RunLocation(folder / OUTPUTS, None, folder)
    names = [one["file"] for one in read_receipt(folder / OUTPUTS)["inputs"]]
    wave = folder / _inputs_folder(names) / names[0]
    return RunLocation(folder / OUTPUTS, wave if is_inside(wave, folder / INPUTS) else None, folder)


def _check_parts(path: Path, parts: list[zipfile.ZipInfo]) -> None:
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


def verify_run(run: RunLocation, wave: Path | None = None) -> Verdict:
    """Check a run where it lies; of an archive, its program and lock too.

    Args:
        run: What ``opened`` found.
        wave: ``wave.yaml`` or its folder, if the inputs lie elsewhere.
    """
    public = run.folder is not None and run.wave is None
    within = None if wave or run.folder is None else run.folder / INPUTS
    found = verify(run.out, wave or run.wave, public=public, within=within)
    if run.folder is None:
        return found
    facts = read_receipt(run.out)
    beside = [*_find_strangers(run, facts), *_compare_program(run.folder, facts["program"])]
    if all(one.kind != "receipt" for one in found.findings):  # else they would tell of its edits
        beside += _compare_texts(run.folder, facts)
    return replace(found, findings=(*found.findings, *beside))


def _find_strangers(run: RunLocation, facts: Facts) -> Iterator[Finding]:
    """Name files that no archive holds: what lies beside a program may be run with it."""
    assert run.folder is not None
    home = _inputs_folder(one["file"] for one in facts["inputs"])
    known = {f"{OUTPUTS}/{name}" for name in (RECEIPT_NAME, *facts["outputs"])}
    known |= {posixpath.normpath(f"{home}/{one['file']}") for one in facts["inputs"]}
    known |= {*_about_files(facts, public=False, own=True)}
    own = run.folder / PROGRAM
    known |= {f"{PROGRAM}/{name}" for name in source_files(own / HOME.name, own / "notebooks")}
    known |= {f"{PROGRAM}/{path.name}" for path in build_files(own).values()}
    places = [run.folder] if run.packed else [own, run.folder / INPUTS]
    for path in sorted(it for place in places for it in place.rglob("*")):
        name = path.relative_to(run.folder).as_posix()
        compiled = path.suffix == ".pyc" and path.parent.name == "__pycache__"
        if compiled and not run.packed:  # made by whoever ran it
            continue
        if (path.is_file() or path.is_symlink()) and name not in known:
            yield Finding("stranger", name)


def _compare_program(folder: Path, by: Mapping[str, Any]) -> Iterator[Finding]:
    """Say whether the program of an archive, and how it is built, are those of the run."""
    own = folder / PROGRAM
    if not own.is_dir():
        return
    files = source_files(own / HOME.name, own / "notebooks")
    yield from _compare_hash(PROGRAM, {by["sha256"]}, hash_program(files, by["libraries"]))
    for name, path in build_files(own).items():
        yield from _compare_hash(f"{PROGRAM}/{path.name}", {by[name]}, hash_if_there(path))


def _compare_texts(folder: Path, facts: Facts) -> Iterator[Finding]:
    """Say whether what tells of an archive was edited, as far as this program wrote it."""
    if facts["program"]["sha256"] != hash_this_program():
        return
    known: dict[str, set[object]] = {}
    own = (folder / PROGRAM).is_dir()
    for public in (False, True):
        for name, data in _about_files(facts, public=public, own=own).items():
            known.setdefault(name, set()).add(hashlib.sha256(data).hexdigest())
    for name, old in known.items():
        path = folder / name
        yield from _compare_hash(name, old, hash_if_there(path))


def _compare_hash(name: str, old: set[object], new: str | None) -> Iterator[Finding]:
    if new not in old:
        yield Finding("output", name, old=min(map(str, old)), new=new)
