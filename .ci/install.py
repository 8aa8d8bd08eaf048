"""Run pip and say how far it is: a line a stage, one warning of each kind, pip's own exit code.

Usage: python .ci/install.py STAGE PIP-ARGUMENTS
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

EVERY = 25  # packages between two lines of progress
CHATTER = re.compile(
    r"Looking in|Collecting|Obtaining|Ignoring|Processing|Downloading|Using cached|Requirement|"
    r"Building|Created wheel|Stored in|Successfully built|Found existing|Uninstalling|"
    r"Attempting uninstall|Checking if|Preparing|Installing build|Getting requirements|"
    r"Successfully uninstalled|\x1b|\s+[━╸ ]"
)
QUOTED = re.compile(r"'[^']*'")


def count_pins(words: list[str]) -> int:
    """Count the packages of the lock that pip is given."""
    locks = [Path(word) for word in words if word.endswith(".lock")]
    return sum(len(re.findall(r"(?m)^[\w.-]+.*==", lock.read_text("utf-8"))) for lock in locks)


def pick_lines(lines: Iterable[str], n_pins: int) -> Iterator[str]:
    """Yield progress, every error, and of warnings that differ in a quoted name the first."""
    seen: Counter[str] = Counter()
    n_read = 0
    for line in lines:
        text = line.strip()
        if text.startswith(("Collecting ", "Requirement already satisfied")):
            n_read += 1
            if n_read % EVERY == 0 and n_pins:
                yield f"  {n_read} of {n_pins} packages read"
        elif text.startswith("Installing collected packages"):
            yield "  installing what was read"
        elif text.startswith("Successfully installed"):
            yield f"  installed: {len(text.split()) - 2}"
        elif text and not CHATTER.match(text):
            kind = QUOTED.sub("'…'", text) if text.startswith("WARNING") else text
            seen[kind] += 1
            if seen[kind] == 1:
                yield f"  {text}"
    for kind, times in seen.items():
        if times > 1:
            yield f"  {times - 1} times more: {kind}"


def main(stage: str, words: list[str]) -> int:
    """Run pip with some words; return its exit code."""
    n_pins = count_pins(words)
    print(f"{stage}{f' ({n_pins} packages)' if n_pins else ''}", flush=True)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *words]
    command.append("--no-compile")  # three of four modules are never imported, the others once
    with subprocess.Popen(
        [*command, "--progress-bar", "off"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout
        for line in pick_lines(process.stdout, n_pins):
            print(line, flush=True)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
