"""Run Typst in a separate process: a PDF from a template and data, a PNG from an SVG.

Typst starts threads and keeps them. A process forked afterwards would wait for these threads for
ever. So each process that needs Typst starts one Typst process, which ends with its starter; only a
process that never forks again typesets itself (``typeset_here``). Typst uses only the fonts of this
package and its own: no network, no font of the machine.

    python -m sipas_analysis.documents.writers.typst_process
"""

import atexit
import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sipas_analysis.documents.letter_widths import FONTS
from sipas_analysis.extras import require_library

if TYPE_CHECKING:
    import typst

TEMPLATES = Path(__file__).parents[1] / "templates"
DPI = 200  # of a picture for writers that take no SVG
PICTURE = """\
#set page(width: auto, height: auto, margin: 0pt, fill: white)
#image(bytes(sys.inputs.svg), format: "svg")
"""


_LAST_PROCESSES: set[int] = set()  # the numbers of processes that typeset themselves


class TypstRefusal(Exception):  # noqa: N818 (an answer of Typst, not an error of ours)
    """Typst refuses a document; the message is that of Typst."""


def convert_to_png(svg: bytes) -> bytes:
    """Return a picture of one page as PNG, in ``DPI`` dots per inch."""
    return typeset(PICTURE, {"svg": svg.decode("utf-8")}, format="png", ppi=float(DPI))


def typeset(source: str, inputs: dict[str, str], **options: object) -> bytes:
    """Return ``source`` typeset with ``inputs`` as data.

    Args:
        source: Typst's markup: a template of ours, never a user's text.
        inputs: The data that the template reads as ``sys.inputs``.
        options: Further arguments of Typst's compiler: ``format``, ``ppi``, ``timestamp``…

    Raises:
        TypstRefusal: Typst cannot typeset ``source``, or the Typst process was lost twice.
        LibraryError: Typst is not installed.
    """
    require_library("typst")
    words = {"input": source, "sys_inputs": inputs, **options}
    if os.getpid() in _LAST_PROCESSES:
        return _compile(load_compiler(), words)
    request = json.dumps(words).encode() + b"\n"
    code = None
    for _ in range(2):  # a process that was killed is started once more
        answer, output = _ask_process(request)
        if answer:
            break
        code = _end_lost_process()
    if "length" not in answer:
        raise TypstRefusal(answer.get("refused", f"exit code {code}"))
    return output


def typeset_here() -> None:
    """Let this process typeset itself; it must not fork afterwards, nor do processes like it."""
    _LAST_PROCESSES.add(os.getpid())


def _ask_process(request: bytes) -> tuple[dict[str, Any], bytes]:
    """Send a request; return the answer and its bytes, both empty if the process was lost."""
    process = _start_process(os.getpid())
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(request)
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or b"{}")
        output = process.stdout.read(answer.get("length", 0))
    except (OSError, ValueError):
        return {}, b""
    except BaseException:  # interrupted: a late answer must not reach the next request
        _end_lost_process()
        raise
    return (answer, output) if len(output) == answer.get("length", 0) else ({}, b"")


def _end_lost_process() -> int | None:
    """End the Typst process of this process; return its exit code."""
    process = _start_process(os.getpid())
    _start_process.cache_clear()
    _end_process(process)
    return process.returncode


@cache
def _start_process(asker: int) -> "subprocess.Popen[bytes]":
    """Start Typst for the process with this number; a forked process starts another."""
    command = [sys.executable, "-m", "sipas_analysis.documents.writers.typst_process"]
    process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    atexit.register(_end_with_asker, asker, process)
    return process


def _end_with_asker(asker: int, process: "subprocess.Popen[bytes]") -> None:
    """End a Typst process when its starter ends, not when a child of the starter ends."""
    if os.getpid() == asker:
        _end_process(process)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    """End a process and close the pipes to it."""
    with suppress(OSError), process:
        process.kill()


def _serve_requests() -> None:
    """Answer each input line with a line, and the bytes announced there, until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # only answers go to the starter
    compiler = load_compiler()
    for line in sys.stdin.buffer:
        try:
            output = _compile(compiler, json.loads(line))
        except TypstRefusal as error:
            _write_answer(answers, {"refused": str(error)})
        else:
            _write_answer(answers, {"length": len(output)}, output)


@cache
def load_compiler() -> "typst.Compiler":
    """Load Typst with the fonts of this package; threads start at its first compilation only."""
    import typst

    return typst.Compiler(root=TEMPLATES, font_paths=[str(FONTS)], ignore_system_fonts=True)


def _compile(compiler: "typst.Compiler", words: dict[str, Any]) -> bytes:
    """Return what Typst makes of a request: its source, its inputs and the compiler's options."""
    import typst

    try:
        output: Any = compiler.compile(**words | {"input": words["input"].encode("utf-8")})
    except typst.TypstError as error:
        raise TypstRefusal(error.message) from error
    return bytes(output)


def _write_answer(answers: IO[bytes], answer: dict[str, object], output: bytes = b"") -> None:
    answers.write(json.dumps(answer).encode() + b"\n" + output)
    answers.flush()


if __name__ == "__main__":
    _serve_requests()
