"""A warm process: it has read and computed a wave once, and forks one clean child for each report.

    python -m sipas_analysis.publish.warm

The first line of its input names the wave, each further line is a job as JSON; each answer is one
line of JSON. It is started for itself, runs one thread and alone forks, so that no lock or thread
of a caller is copied. What a report draws at random follows from the report's name.
"""

import gc
import hashlib
import json
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any


def serve() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing but answers goes to our caller
    try:
        _warm(json.loads(sys.stdin.readline())["wave"])
    except Exception as error:
        print(json.dumps(_fault(error)), file=answers, flush=True)
        return
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_forked(json.loads(line))), file=answers, flush=True)


def _warm(wave: str) -> None:
    """Import what reports import, read the wave, compute its figures; children share them."""
    import papermill  # noqa: F401 (imported for the children, our engine with it)

    from sipas_analysis.collect.survey import keep, read_survey
    from sipas_analysis.collect.wave import read_wave
    from sipas_analysis.publish import report as notebook  # noqa: F401 (for the children)
    from sipas_analysis.publish.chapters import CHAPTERS, report
    from sipas_analysis.publish.figures import figures_of
    from sipas_analysis.publish.html import section_html

    survey = read_survey(read_wave(wave))
    keep(survey)
    figures_of(survey).tables()
    with suppress(Exception):  # a fault is the report's own, and told where it is made
        tried = report(survey, unit=str(survey.frame["unit"].iloc[0]))
        for name in CHAPTERS:  # templates, fonts and what units share are then ready
            section_html(tried.chapter(name).section, tried.languages[0])
    gc.collect()
    gc.freeze()


def _forked(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job in a child; return what it says, or that it died."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _child(job, write)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as handle:
        said = handle.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else {"died": os.waitstatus_to_exitcode(status)}


def _child(job: dict[str, Any], write: int) -> None:
    """Run one report and leave; nothing of it stays in the warm process."""
    said: dict[str, Any] = {}
    try:
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        seeded(job["name"])
        from sipas_analysis.publish.report import run_notebook

        run_notebook(job["notebook"], job["parameters"], engine="sipas-fork")
        said = {"done": True}
    except Exception as error:
        said = _fault(error)
    finally:
        with os.fdopen(write, "w", encoding="utf-8") as handle:
            json.dump(said, handle)
        sys.stderr.flush()
        os._exit(0)


def _fault(error: Exception) -> dict[str, Any]:
    """Return what failed, and the sentence of a refusal in both languages; none for a fault."""
    from sipas_analysis.errors import SipasError

    said: dict[str, Any] = {"failed": f"{type(error).__name__}: {error}"}
    said["details"] = traceback.format_exc()
    if isinstance(error, SipasError):
        said["places"] = {"vi": error.text("vi"), "en": error.text("en")}
    return said


def seeded(name: str) -> None:
    """Seed what a notebook may draw from, by the report's name: a fork copies generators."""
    import random

    import numpy as np

    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 (a notebook may use the old generator)


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    sys.path.insert(0, str(Path.cwd()))
    serve()
