"""Put a run into one file that proves itself, and take it out again without trusting it.

With the inputs an auditor computes every figure again; a public archive holds no form and no block
of totals, only what is published, and its README says what can then still be checked.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ReceiptError
from sipas_analysis.files import write_whole, zipped
from sipas_analysis.messages import LANGUAGES, say
from sipas_analysis.publish.receipt import NAME, ROOT, read_receipt

OUTPUTS, INPUTS, WAVE = "outputs", "inputs", "wave.txt"
LARGEST, MOST = 4_000_000_000, 200_000  # bytes and files that an archive may unfold to


def write_archive(out: Path, path: Path, wave: Path | None = None, *, public: bool = False) -> Path:
    """Write a run, what it was made from and how to check it as one zip; return its path.

    Args:
        out: Output folder with its receipt.
        path: The archive to write, whole or not at all.
        wave: ``wave.yaml``; where the receipt says it lies if left out.
        public: Leave the inputs and all pages out: tables with hidden cells only.

    Raises:
        ReceiptError: There is no receipt, or an input lies above the folder of ``wave.yaml``.
    """
    facts = read_receipt(out)
    return write_whole(path, zipped(sorted(_parts(facts, out, wave, public=public))))


def _parts(
    facts: dict[str, object], out: Path, wave: Path | None, *, public: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of everything that goes into an archive."""
    kind = "public" if public else "whole"
    for language in LANGUAGES:
        said = say(language, f"archive.readme.{kind}", receipt=facts.get("sha256"))
        yield f"README.{language}.txt", said.encode("utf-8")
    lock = ROOT / "requirements.lock"
    if lock.is_file():
        yield "requirements.lock", lock.read_bytes()
    yield f"{OUTPUTS}/{NAME}", (out / NAME).read_bytes()
    listed = facts["outputs"]
    assert isinstance(listed, dict)
    for name in listed:
        if (out / name).is_file() and (not public or name.startswith("tables/")):
            yield f"{OUTPUTS}/{name}", (out / name).read_bytes()
    if not public:
        yield from _inputs(wave or out / str(facts["wave_file"]))


def _inputs(place: Path) -> Iterator[tuple[str, bytes]]:
    wave = read_wave(place)
    home = wave.path.absolute().parent
    yield WAVE, wave.path.name.encode("utf-8")
    for path in wave.files():
        if not path.absolute().is_relative_to(home):
            raise ReceiptError("archive_outside", path=path, home=home)
        yield f"{INPUTS}/{path.absolute().relative_to(home).as_posix()}", path.read_bytes()


def open_archive(path: Path, folder: Path) -> tuple[Path, Path | None]:
    """Unfold an archive into an empty folder; return its outputs, and its ``wave.yaml`` if any.

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
    named = folder / WAVE
    wave = folder / INPUTS / named.read_text("utf-8") if named.is_file() else None
    inside = wave is not None and wave.resolve().is_relative_to(folder.resolve())
    return folder / OUTPUTS, wave if inside else None


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
