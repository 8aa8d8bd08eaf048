"""Replay an archive with wheels where there is no network: the commands of its README, one by one.

Usage: python benchmarks/offline_replay.py ARCHIVE.zip > benchmarks/results/offline_replay.txt

``sipas archive OUT --wheels`` makes the archive. Each command runs in a network namespace of its
own without any route but to itself, with empty folders for HOME and the temporary files. The last
lines check the notebook of the archive in the same way.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ALONE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
LOOP = """import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:  # lo up: a notebook needs it
    fcntl.ioctl(link, 0x8914, struct.pack("16sH14x", b"lo", 1))
"""
NOTES = ("- note:", "- ghi chú:", "- and ", "- và ", '  File "', "    ")  # and steps of an error
NOTEBOOK = "program/notebooks/audit.ipynb"
MORE = [
    "python3 -c \"import socket; socket.create_connection(('192.0.2.1', 80), 5)\"",
    f"check/bin/papermill --log-level ERROR --no-progress-bar {NOTEBOOK} audited.ipynb",
]


def run_alone(command: str, folder: Path) -> tuple[int, float, str]:
    """Run one command without a network; return its code, its time and what it printed."""
    home, spare = folder / "home", folder / "spare"
    for place in (home, spare):
        place.mkdir(exist_ok=True)
    path = f"{Path(sys.base_prefix, 'bin')}{os.pathsep}{os.environ['PATH']}"
    words = {"PATH": path, "HOME": str(home), "TMPDIR": str(spare), "PIP_CONFIG_FILE": os.devnull}
    start = time.perf_counter()
    done = subprocess.run(
        [*ALONE, "sh", "-c", f"python3 -c '{LOOP}' && {command}"],
        cwd=folder / "archive",
        env=words | {"LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        done.returncode,
        time.perf_counter() - start,
        (done.stdout + done.stderr).replace(str(folder), "…"),
    )


def read_commands(folder: Path) -> list[str]:
    """Return the indented lines of the README that are commands and wait for nobody."""
    text = (folder / "README.en.txt").read_text("utf-8")
    lines = re.findall(r"(?m)^    ((?:python3|check/bin/)\S* .*)$", text)
    return [line for line in lines if "jupyterlab" not in line]


def read_notebook(path: Path) -> str:
    """Return what the cells of a notebook printed."""
    if not path.is_file():
        return "it was not written"
    cells = json.loads(path.read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", "")) for output in outputs)


def print_end(printed: str, most: int) -> None:
    """Print the last lines, without the notes of a check and the steps of an error."""
    lines = [line for line in printed.strip().splitlines() if not line.startswith(NOTES)]
    for line in lines[-most:]:
        print(f"  | {line[:160]}", flush=True)


def main(archive: Path) -> None:
    """Print each command with its code, its time and the end of what it printed."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as place:
        folder = Path(place)
        with zipfile.ZipFile(archive) as parts:
            parts.extractall(folder / "archive")
            wheels = [part for part in parts.infolist() if part.filename.startswith("wheels/")]
            program = json.loads(parts.read("outputs/receipt.json"))["program"]
        size = archive.stat().st_size / 1e6
        print(f"sipas_analysis {program['version']}, commit {program['commit']}")
        print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
        print(f"archive: {size:.0f} MB, {len(wheels)} wheels; {' '.join(ALONE)}, no route\n")
        for command in [*MORE[:1], *read_commands(folder / "archive"), *MORE[1:]]:
            code, seconds, printed = run_alone(command, folder)
            print(f"$ {command}\n  exit {code} after {seconds:.1f} s", flush=True)
            print_end(printed, 6)
        print("\naudit.ipynb printed")
        print_end(read_notebook(folder / "archive/audited.ipynb"), 6)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
