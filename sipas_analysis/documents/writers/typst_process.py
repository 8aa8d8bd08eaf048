"""Have Typst set pages: a PDF from a template and data, a PNG from an SVG.

Typst keeps threads once used, and a process forked afterwards would wait for them for ever. So it
runs in a process of its own, one for each process that asks, which ends with the asker. It uses
the fonts built into it and nothing else: no network, no font of the machine.

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
from typing import IO, Any

TEMPLATES = Path(__file__).parents[1] / "templates"
DPI = 200  # of a picture for writers that take no SVG
PICTURE = """\
#set page(width: auto, height: auto, margin: 0pt, fill: white)
#image(bytes(sys.inputs.svg), format: "svg")
"""


class TypstRefusal(Exception):  # noqa: N818 (an answer of Typst, not an error of ours)
    """Typst does not set this; why is its own sentence."""


def convert_to_png(svg: bytes) -> bytes:
    """Return a picture of one page as PNG, in ``DPI`` dots per inch."""
    return typeset(PICTURE, {"svg": svg.decode("utf-8")}, format="png", ppi=float(DPI))


def typeset(source: str, inputs: dict[str, str], **options: object) -> bytes:
    """Return ``source`` set with ``inputs`` as data.

    Args:
        source: Typst's markup: a template of ours, never a user's text.
        inputs: What the template reads, as ``sys.inputs``.
        options: Further arguments of Typst's compiler: ``format``, ``ppi``, ``timestamp``…

    Raises:
        Refused: Typst cannot set it, or its process was lost twice.
    """
    request = json.dumps({"input": source, "sys_inputs": inputs, **options}).encode() + b"\n"
    code = None
    for _ in range(2):  # a process that was killed is started once more
        answer, output = _ask_process(request)
        if answer:
            break
        code = _end_lost_process()
    if "length" not in answer:
        raise TypstRefusal(answer.get("refused", f"exit code {code}"))
    return output


def _ask_process(request: bytes) -> tuple[dict[str, Any], bytes]:
    """Ask; return the answer and its bytes, both empty if the process was lost."""
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
    except BaseException:  # interrupted: the answer that is still to come must meet nobody
        _end_lost_process()
        raise
    return (answer, output) if len(output) == answer.get("length", 0) else ({}, b"")


def _end_lost_process() -> int | None:
    """End the process that answers here, and forget it; return its exit code."""
    process = _start_process(os.getpid())
    _start_process.cache_clear()
    _end_process(process)
    return process.returncode


@cache
def _start_process(asker: int) -> "subprocess.Popen[bytes]":
    """Start Typst for a process, by its number: one that was forked asks for its own."""
    command = [sys.executable, "-m", "sipas_analysis.documents.writers.typst_process"]
    process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    atexit.register(_end_with_asker, asker, process)
    return process


def _end_with_asker(asker: int, process: "subprocess.Popen[bytes]") -> None:
    """End a process when its asker ends, not when a child of it does."""
    if os.getpid() == asker:
        _end_process(process)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    """End a process and close the pipes to it."""
    with suppress(OSError), process:
        process.kill()


def _serve_requests() -> None:
    """Answer each line of the input with a line, and the bytes it announces, until it ends."""
    import typst

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing but answers goes to the asker
    compiler = typst.Compiler(root=TEMPLATES, ignore_system_fonts=True)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        request["input"] = request["input"].encode("utf-8")
        try:
            output: Any = compiler.compile(**request)
        except typst.TypstError as error:
            _write_answer(answers, {"refused": error.message})
        else:
            _write_answer(answers, {"length": len(output)}, output)


def _write_answer(answers: IO[bytes], answer: dict[str, object], output: bytes = b"") -> None:
    answers.write(json.dumps(answer).encode() + b"\n" + output)
    answers.flush()


if __name__ == "__main__":
    _serve_requests()
