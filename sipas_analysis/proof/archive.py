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
from sipas_analysis.files import hash_if_there, is_inside, write_whole, zipped
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.proof.program import (
    HOME,
    ROOT,
    Facts,
    built,
    hash_program,
    made_by,
    notebooks,
    program,
    sources,
)
from sipas_analysis.proof.receipt import (
    NAME,
    read_receipt,
    relative,
    sealed,
    text_of,
    wave_of,
)
from sipas_analysis.proof.receipt_page import STEM
from sipas_analysis.proof.ro_crate import CRATE, crate
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
    parts = dict(_parts(facts, out, wave, public=public))
    _check_unchanged(facts, parts, out, public=public)
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
    now = made_by()
    if all(facts["program"][key] == now[key] for key in ("sha256", *built(ROOT))):
        yield from _program()
    if not public:
        place = wave or wave_of(out) or out
        yield from _inputs(place / facts["inputs"][0]["file"] if place.is_dir() else place)


def _check_unchanged(facts: Facts, parts: Mapping[str, bytes], out: Path, *, public: bool) -> None:
    """Refuse to pack what the receipt does not prove: nobody could verify it later."""
    home = _home(one["file"] for one in facts["inputs"])
    listed = {f"{OUTPUTS}/{name}": it for name, it in _held(facts, public=public).items()}
    for one in () if public else facts["inputs"]:
        listed[posixpath.normpath(f"{home}/{one['file']}")] = one["sha256"]
    packed = {
        name: hashlib.sha256(data).hexdigest()
        for name, data in parts.items()
        if not name.startswith(f"{PROGRAM}/")
    }
    receipt = packed.pop(f"{OUTPUTS}/{NAME}")
    other = sorted(name for name, _ in listed.items() ^ packed.items())
    if other or receipt != hashlib.sha256(text_of(sealed(facts)).encode("utf-8")).hexdigest():
        path = other[0].partition("/")[2] if other else NAME
        raise ReceiptError("archive_changed", path=path, out=out)


def _held(facts: Facts, *, public: bool) -> dict[str, str]:
    """Return the outputs that an archive holds, with their hash."""
    listed: dict[str, str] = facts["outputs"]
    kept = ("tables/", f"{STEM}.")
    return {name: it for name, it in listed.items() if not public or name.startswith(kept)}


def _program() -> Iterator[tuple[str, bytes]]:
    """Yield the files of this program, so that pip can install it; nothing if it cannot."""
    files = {path.name: path for path in built(ROOT).values()}
    if all(path.is_file() for path in files.values()):
        for name, path in (files | sources(HOME, notebooks())).items():
            yield f"{PROGRAM}/{name}", path.read_bytes()


def _home(inputs: Iterable[str]) -> str:
    """Return the folder of the wave among the inputs of an archive, so that none lies above it."""
    up = max((posixpath.normpath(name).split("/").count("..") for name in inputs), default=0)
    return "/".join([INPUTS, *[HERE] * up])


def _about(facts: Facts, *, public: bool, own: bool) -> dict[str, bytes]:
    """Return the files that tell of an archive: how to check it, and its crate."""
    held = facts | {"outputs": _held(facts, public=public)}
    made = {f"README.{it}.txt": _readme(facts, it, public=public, own=own) for it in LANGUAGES}
    if own:
        made[f"{PROGRAM}/README.md"] = made["README.en.txt"]  # pip wants one
    home = _home(one["file"] for one in facts["inputs"])
    made[CRATE] = crate(held, f"{OUTPUTS}/", "" if public else f"{home}/")
    return {name: text.encode("utf-8") for name, text in made.items()}


def _readme(facts: Facts, language: Language, *, public: bool, own: bool) -> str:
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


def _inputs(place: Path) -> Iterator[tuple[str, bytes]]:
    wave = read_wave(place)
    home = wave.path.absolute().parent
    files = {relative(path, home): path for path in wave.files()}
    inside = _home(files)
    own = (wave.instrument, wave.units, *wave.earlier, *(it.file for it in wave.responses))
    far = [home / it for it in own if Path(it).is_absolute()]
    far += [path for name, path in files.items() if HERE in name.split("/")]
    if far or inside.count("/") > DEEPEST:
        far.append(files[max(files, key=lambda name: name.count(".."))])
        raise ReceiptError("archive_outside", path=far[0], home=home)
    for name, path in files.items():
        yield posixpath.normpath(f"{inside}/{name}"), path.read_bytes()


@dataclass(frozen=True)
class Run:
    """Where a run lies: its outputs, its wave if that came with it, the archive around it.

    ``packed`` says that nothing but the archive's own files can be there.
    """

    out: Path
    wave: Path | None = None
    folder: Path | None = None
    packed: bool = False


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
        wave = run.wave or wave_of(run.out) or path
        for one in read_wave(wave).files() if run.folder else ():
            if not is_inside(one, run.folder / INPUTS if run.folder else None):
                raise ReceiptError("archive_path", path=path, found=one)
        yield wave, facts


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
                with held.open(part) as source, target.open("wb") as made:
                    shutil.copyfileobj(source, made)  # no more than the size it announced
    except DAMAGED as error:
        raise ReceiptError("archive_unreadable", path=path, why=error) from error
    return replace(_inside(folder), packed=True)


def _inside(folder: Path) -> Run:
    """Return the run of an unfolded archive; the first of its inputs is the wave's own file."""
    if not (folder / INPUTS).is_dir():
        return Run(folder / OUTPUTS, None, folder)
    names = [one["file"] for one in read_receipt(folder / OUTPUTS)["inputs"]]
    wave = folder / _home(names) / names[0]
    return Run(folder / OUTPUTS, wave if is_inside(wave, folder / INPUTS) else None, folder)


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
    within = None if wave or run.folder is None else run.folder / INPUTS
    found = verify(run.out, wave or run.wave, public=public, within=within)
    if run.folder is None:
        return found
    facts = read_receipt(run.out)
    beside = [*_strangers(run, facts), *_other_program(run.folder, facts["program"])]
    if all(one.kind != "receipt" for one in found.findings):  # else they would tell of its edits
        beside += _other_words(run.folder, facts)
    return replace(found, findings=(*found.findings, *beside))


def _strangers(run: Run, facts: Facts) -> Iterator[Finding]:
    """Name files that no archive holds: what lies beside a program may be run with it."""
    assert run.folder is not None
    home = _home(one["file"] for one in facts["inputs"])
    known = {f"{OUTPUTS}/{name}" for name in (NAME, *facts["outputs"])}
    known |= {posixpath.normpath(f"{home}/{one['file']}") for one in facts["inputs"]}
    known |= {*_about(facts, public=False, own=True)}
    own = run.folder / PROGRAM
    known |= {f"{PROGRAM}/{name}" for name in sources(own / HOME.name, own / "notebooks")}
    known |= {f"{PROGRAM}/{path.name}" for path in built(own).values()}
    places = [run.folder] if run.packed else [own, run.folder / INPUTS]
    for path in sorted(it for place in places for it in place.rglob("*")):
        name = path.relative_to(run.folder).as_posix()
        compiled = path.suffix == ".pyc" and path.parent.name == "__pycache__"
        if compiled and not run.packed:  # made by whoever ran it
            continue
        if (path.is_file() or path.is_symlink()) and name not in known:
            yield Finding("stranger", name)


def _other_program(folder: Path, by: Mapping[str, Any]) -> Iterator[Finding]:
    """Say whether the program of an archive, and how it is built, are those of the run."""
    own = folder / PROGRAM
    if not own.is_dir():
        return
    files = sources(own / HOME.name, own / "notebooks")
    yield from _other(PROGRAM, {by["sha256"]}, hash_program(files, by["libraries"]))
    for name, path in built(own).items():
        yield from _other(f"{PROGRAM}/{path.name}", {by[name]}, hash_if_there(path))


def _other_words(folder: Path, facts: Facts) -> Iterator[Finding]:
    """Say whether what tells of an archive was edited, as far as this program wrote it."""
    if facts["program"]["sha256"] != program():
        return
    known: dict[str, set[object]] = {}
    own = (folder / PROGRAM).is_dir()
    for public in (False, True):
        for name, data in _about(facts, public=public, own=own).items():
            known.setdefault(name, set()).add(hashlib.sha256(data).hexdigest())
    for name, old in known.items():
        path = folder / name
        yield from _other(name, old, hash_if_there(path))


def _other(name: str, old: set[object], new: str | None) -> Iterator[Finding]:
    if new not in old:
        yield Finding("output", name, old=min(map(str, old)), new=new)
