"""Keep the files that a person edited when a report is written where they stand.

An officer fills in number, day and signature in Word. What the program wrote last is known by its
hash: from the notes of a run, from the receipt, and from a note that every writing leaves (also of
``sipas report``, of ``sipas check --out`` and of a notebook). A file of other bytes is moved to
``edited/`` before it is written again, under the next free number. That folder is in no receipt and
in no archive, so a run can be verified and archived beside it.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sipas_analysis.documents.writers.terminal import print_message
from sipas_analysis.errors import SHOWN_PLACES, OutputError
from sipas_analysis.files import hash_file, hash_if_there, write_privately, write_whole
from sipas_analysis.messages import join_first
from sipas_analysis.reports.file_names import EDITED

WRITTEN = "state/written"  # hash of each file that was written last, by report


@contextmanager
def keep_edited(out: Path, names: Sequence[str]) -> Iterator[None]:
    """Move edited files aside before a report is written again; note what was written.

    Args:
        out: Output folder of the wave.
        names: Files of one report, below the folder.

    Raises:
        OutputError: An edited file cannot be moved, such as one that is open in Word.
    """
    for name in names:
        _set_aside(out, name)
    yield
    hashes = {name: hash_file(out / name) for name in names if (out / name).is_file()}
    for name, written_hash in hashes.items():
        for copy in _list_copies(out, name):  # a stopped run wrote it: nobody's work
            if hash_file(copy) == written_hash:
                copy.unlink()
    if hashes:
        note = _written_note(out, names[0])
        _write_note(note, _read_json(note) | hashes)


def remove_old(out: Path, part: str, current: Collection[str]) -> None:
    """Remove the files of a folder that the program wrote earlier and would not write now.

    A file of other bytes than were written, and one that the program never wrote, stays.
    """
    note = out / WRITTEN / f"{part}.json"
    hashes = _read_json(note)
    old = {name: written for name, written in hashes.items() if name not in current}
    for name, written in old.items():
        if hash_if_there(out / name) == written:
            (out / name).unlink()
    if old:
        _write_note(note, {name: hashes[name] for name in hashes if name not in old})


def list_edited(out: Path) -> list[str]:
    """Return the edited files that were moved aside, below their folder."""
    folder = out / EDITED
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.relative_to(folder).as_posix() for path in paths]


@contextmanager
def tell_edited(out: Path) -> Iterator[None]:
    """Say at the end which edited files were moved aside meanwhile, or how many there were."""
    before = list_edited(out)
    yield
    moved = [name for name in list_edited(out) if name not in before]
    if moved:
        names = join_first(moved, SHOWN_PLACES, ", ")
        print_message("edited_kept", n=len(moved), folder=out / EDITED, names=names)
    elif before:
        print_message("edited_there", n=len(before), folder=out / EDITED)


def _set_aside(out: Path, name: str) -> None:
    """Move one file to the folder of edited files, unless the program wrote it or it is there."""
    path = out / name
    try:
        if not path.is_file():
            return
        found = hash_file(path)
        copies = _list_copies(out, name)
        if _is_written(out, name, found) or found in map(hash_file, copies):
            return
        place, number = out / EDITED / name, 1
        while (target := place.with_name(f"{place.stem}-{number}{place.suffix}")).exists():
            number += 1
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    except OSError as error:
        raise OutputError("edited_open", path=path, why=error.strerror or error) from error


def _list_copies(out: Path, name: str) -> list[Path]:
    """Return the copies of one file that were moved aside."""
    place = out / EDITED / name
    numbered = re.compile(rf"{re.escape(place.stem)}-\d+{re.escape(place.suffix)}")
    return [path for path in place.parent.glob("*") if numbered.fullmatch(path.name)]


def _is_written(out: Path, name: str, found: str) -> bool:
    """Return whether the program wrote these bytes under this name; the shortest note is first."""
    note = _written_note(out, name)
    if _read_json(note).get(name) == found:
        return True
    run = note.name if name.startswith("units/") else "province.json"
    notes = {out / "state" / run: "files", out / "receipt.json": "outputs"}
    lists = (_read_json(path).get(key) for path, key in notes.items())
    return any(isinstance(hashes, dict) and hashes.get(name) == found for hashes in lists)


def _written_note(out: Path, name: str) -> Path:
    """Return the note on the files of the report, or of the folder, that a file belongs to."""
    first, _, rest = name.partition("/")
    part = rest.partition("/")[0] if first == "units" else first
    return out / WRITTEN / f"{part}.json"


def _write_note(path: Path, hashes: Mapping[str, object]) -> None:
    with write_privately():
        write_whole(path, json.dumps(hashes, indent=1, sort_keys=True) + "\n")


def _read_json(path: Path) -> dict[str, object]:
    """Return what a note holds; nothing if there is none or it was cut."""
    try:
        note = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}
