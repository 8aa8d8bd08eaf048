"""The wheels of the lock in an archive, for years in which no registry may answer any more."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sipas_analysis.errors import ReceiptError
from sipas_analysis.files import hash_if_there
from sipas_analysis.proof.program import ROOT, Facts, build_files, describe_program

WHEELS = "wheels"


def read_wheels(facts: Facts, source: Path | None = None) -> dict[str, bytes]:
    """Return the wheels of the lock for this Python and system, by their place in an archive.

    pip takes them from the registry that it is set to, or from a folder, and compares each with the
    hashes in the lock.

    Args:
        facts: Receipt of the run; it must be of this program, Python and system.
        source: Folder of wheels that were fetched before; nothing is then fetched.

    Raises:
        ReceiptError: Another program, Python or system made the run, or a wheel is missing.
    """
    here, lock = describe_program(), build_files(ROOT)["lock"]
    for name, length in (("sha256", 3), ("lock", 3), ("machine", 3), ("python", 2)):
        old, new = (program[name].split(".")[:length] for program in (facts["program"], here))
        if old != new or not lock.is_file():
            found, wanted = ".".join(new), ".".join(old)
            raise ReceiptError("archive_wheels_other", name=name, found=found, wanted=wanted)
    with TemporaryDirectory(prefix="sipas-") as folder:
        _fetch_wheels(lock, Path(folder), source)
        paths = sorted(Path(folder).glob("*.whl"))
        return {f"{WHEELS}/{path.name}": path.read_bytes() for path in paths}


def _fetch_wheels(lock: Path, folder: Path, source: Path | None) -> None:
    """Let pip put every wheel of the lock into a folder, hashes compared."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--requirement"]
    command += [str(lock), "--dest", str(folder)]
    command += ["--no-index", "--find-links", str(source)] if source else []
    done = subprocess.run(  # noqa: S603 (our own interpreter, with words of ours)
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = " ".join([*errors, *done.stderr.splitlines()[-1:]][:2])
        raise ReceiptError("archive_wheels", why=why or done.returncode)


def find_other_wheels(folder: Path) -> Iterator[str]:
    """Yield the name of each file among the wheels of an archive that is not one of its lock."""
    lock = folder / "program" / "requirements.lock"
    known = {
        *re.findall(r"sha256:([0-9a-f]{64})", lock.read_text("utf-8") if lock.is_file() else "")
    }
    for path in sorted((folder / WHEELS).rglob("*")):
        if path.is_symlink() or (path.is_file() and hash_if_there(path) not in known):
            yield path.relative_to(folder).as_posix()
