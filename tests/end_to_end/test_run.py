"""A whole run: the same files whatever engine, order, accident or machine makes them."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import warm_process
from small_office import write_office
from warm_process import PATIENCE

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DEMO = ROOT / "data" / "an-giang-2021" / "wave.yaml"
EARLIER = ROOT / "data" / "an-giang-2020"
UNITS = "so-ldtbxh,so-nv,tp-long-xuyen"
FEW = "so-a,so-b,so-c"  # those of a small wave: an accident needs no large one
FORMATS = "html,docx,pdf,xlsx"
PRIVATE = ("receipt.json", "receipt.private.json")  # neither is in the list of a receipt
PAGES = "html"  # where the kind of the files makes no difference to what is tested

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]


def sipas(*words, expect=0):
    """Run the command line in a process of its own; return what it printed."""
    return warm_process.run(*words, "--lang", "vi,en", expect=expect)


def sipas_from_a_shell(*words, **more):
    """Run the command as a shell does, in an interpreter that has imported nothing."""
    command = [str(word) for word in (BIN / "sipas", *words, "--lang", "vi,en")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr


def content(path):
    """Return what a file holds; of a receipt, all but the commit."""
    if path.name != "receipt.json":
        return path.read_bytes()
    facts = json.loads(path.read_text("utf-8"))
    facts["program"].pop("commit")
    return json.dumps({k: it for k, it in facts.items() if k != "sha256"})


def hashes(folder):
    """Return what must be the same in two runs: every file but times, logs and the lock."""
    found = {
        path.relative_to(folder).as_posix(): content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("run.json", ".lock") and path.suffix != ".log"
    }
    return {
        name: hashlib.sha256(it if isinstance(it, bytes) else it.encode()).hexdigest()
        for name, it in found.items()
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Three units in every format, made in peace; what the others are held against."""
    out = tmp_path_factory.mktemp("peace") / "out"
    sipas_from_a_shell("run", DEMO, "--units", UNITS, "--formats", FORMATS, "--out", out)
    return hashes(out)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A wave of three units."""
    return write_office(tmp_path_factory.mktemp("small") / "wave")


@pytest.fixture(scope="module")
def small_files(small, tmp_path_factory):
    """Its units in every format, made in peace."""
    out = tmp_path_factory.mktemp("files") / "out"
    sipas_from_a_shell("run", small, "--units", FEW, "--formats", FORMATS, "--out", out)
    return hashes(out)


@pytest.fixture(scope="module")
def small_pages(small, tmp_path_factory):
    """Its units as pages alone."""
    out = tmp_path_factory.mktemp("pages") / "out"
    sipas("run", small, "--units", FEW, "--formats", PAGES, "--out", out)
    return hashes(out)


def no_state(found):
    """Leave the notes on what was made for what out: they name the folder's key."""
    return {name: it for name, it in found.items() if not name.startswith("state/")}


def test_every_format_and_language_is_there(undisturbed):
    """Four formats, two languages, three units, and the portal."""
    made = {
        f"units/{unit}/report.{lang}.{kind}"
        for unit in UNITS.split(",")
        for lang in ("vi", "en")
        for kind in FORMATS.split(",")
    }
    made |= {
        f"units/{unit}/letter.{lang}.{kind}"
        for unit in UNITS.split(",")
        for lang in ("vi", "en")
        for kind in ("docx", "pdf")
    }
    state = {f"state/{unit}.json" for unit in UNITS.split(",")}
    state |= {f"state/written/{part}.json" for part in [*UNITS.split(","), "tables"]}
    tables = {name for name in undisturbed if name.startswith("tables/")}
    assert "tables/figures.csv" in tables
    proof = {"receipt.json", "receipt.vi.html", "receipt.en.html", "ro-crate-metadata.json"}
    proof |= {"receipt.private.json"}
    assert set(undisturbed) == made | state | tables | proof | {"index.html"}


def test_kernels_make_the_same_bytes(small, small_files, tmp_path):
    """The reference engine: a kernel for each report, other time zone, one at a time."""
    asked = ["--units", "so-a", "--formats", FORMATS, "--engine", "kernel", "--jobs", "1"]
    away = os.environ | {"TZ": "Asia/Tokyo"}
    sipas_from_a_shell("run", small, *asked, "--out", tmp_path, env=away)
    made = hashes(tmp_path)
    reports = {name for name in small_files if "so-a/" in name}
    assert len(reports) == 12  # a report in four formats and a letter in two, in two languages
    assert {name: made[name] for name in reports} == {name: small_files[name] for name in reports}


def test_the_code_of_a_receipt_changes_only_with_the_files(small, tmp_path):
    """A run that makes nothing, however it was started, leaves the receipt as it is."""
    start = ("run", small, "--out", tmp_path, "--units")
    sipas(*start, "so-a,so-b", "--formats", "xlsx,html")
    first = hashes(tmp_path)["receipt.json"]
    for options in (("so-b,so-a", "--formats", "html,xlsx"), ("so-a",)):
        sipas(*start, *options)
        assert hashes(tmp_path)["receipt.json"] == first


ABROAD = {
    "TZ": "Pacific/Auckland",
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "7",
    "OMP_NUM_THREADS": "2",
    "SOURCE_DATE_EPOCH": "1",
}
LATER = "2031-02-03 04:05:06"


@pytest.mark.skipif(not shutil.which("faketime"), reason="needs libfaketime (apt: faketime)")
def test_a_clone_elsewhere_years_later_gives_the_same_bytes(undisturbed, tmp_path):
    """Program, wave and outputs in other folders, another clock, zone, locale, seed of hashes.

    One report at a time instead of two, two threads instead of one. Compared is every file but
    run.json, logs and state: HTML with its pictures, DOCX, PDF, XLSX, letters, tables, index.html,
    the readable receipt, the crate, and the receipt but for its commit.
    """
    clone, out = tmp_path / "clone", tmp_path / "there" / "out"
    for name in ("sipas_analysis", "notebooks"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    for name, folder in (("wave", DEMO.parent), (EARLIER.name, EARLIER)):
        shutil.copytree(folder, tmp_path / "there" / name)
    says = "print(time.gmtime().tm_year, sipas_analysis.__file__, flush=True)"
    code = (
        f"import time; import sipas_analysis; from sipas_analysis.cli import main; {says}; main()"
    )
    asked = [
        "run",
        tmp_path / "there/wave/wave.yaml",
        "--units",
        UNITS,
        "--formats",
        FORMATS,
        "--out",
        out,
        "--jobs",
        "1",
        "--lang",
        "vi,en",
    ]
    command = ["faketime", LATER, sys.executable, "-c", code, *asked]
    done = subprocess.run(
        [str(it) for it in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=os.environ | ABROAD | {"PYTHONPATH": str(clone)},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"2031 {clone}")
    found = no_state(hashes(out))
    assert found == no_state(undisturbed)
    assert {Path(name).suffix for name in found} == {
        ".html",
        ".docx",
        ".pdf",
        ".xlsx",
        ".csv",
        ".json",
    }
    receipt = json.loads((out / "receipt.json").read_text("utf-8"))
    assert receipt["outputs"] == {k: it for k, it in found.items() if k not in PRIVATE}
    assert json.loads((out / "run.json").read_text("utf-8"))["wave"] == "../wave/wave.yaml"


def launch(wave, out, *more, formats=PAGES):
    """Start a run of three units, one report at a time."""
    asked = ["--units", FEW, "--formats", formats, "--jobs", "1", "--out", out]
    with Path(os.devnull).open("wb") as nowhere:
        return warm_process.start("run", wave, *asked, "--lang", "vi,en", *more, output=nowhere)


def wait_until(process, condition):
    """Wait until a condition gives something; fail at once if the run ends before."""
    for _ in range(20 * PATIENCE):
        if answer := condition():
            return answer
        assert process.poll() is None, f"the run ended before, with {process.returncode}"
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE} s")


def started(wave, out, *more, formats=PAGES):
    """Start a run and wait until its first report is noted."""
    process = launch(wave, out, *more, formats=formats)
    wait_until(process, lambda: [*out.glob("state/*.json")])
    return process


def find_maker(process, words):
    """Return a process below a run that makes a report: whose command holds some words."""
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error):  # it ended meanwhile
            if words in " ".join(child.cmdline()):
                return child
    return None


def is_as_undisturbed(wave, out, undisturbed, kept, formats=PAGES):
    """One more run: what is done stays, what is missing is made, nothing is half written."""
    assert kept
    said = sipas("run", wave, "--units", FEW, "--formats", formats, "--out", out)
    assert f"{len(kept)} đã cập nhật" in said
    assert no_state(hashes(out)) == no_state(undisturbed)
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    assert [*out.rglob(".aside-*")] == []


def done_in(out):
    """Return what a run has noted as done, with its time."""
    return {path: path.stat().st_mtime_ns for path in out.glob("state/*.json")}


MAKERS = {  # what to kill below the run: words of its command; how the run was asked for
    "process of a report": (warm_process.__file__, ()),
    "kernel": ("ipykernel_launcher", ("--engine", "kernel")),
}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_after_a_stop_one_more_run_gives_the_same_files(small, small_files, tmp_path, stop):
    """What is done stays, what is missing is made, nothing is left half written."""
    process = started(small, tmp_path, formats=FORMATS)
    process.send_signal(stop)
    code = process.wait(timeout=PATIENCE)
    kept = done_in(tmp_path)
    assert code or len(kept) == 3  # stopped, or it was at its end
    is_as_undisturbed(small, tmp_path, small_files, kept, FORMATS)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_killed_process_costs_one_report(small, small_pages, tmp_path, maker):
    """The others are made, the run fails; one more run makes the missing one."""
    words, more = MAKERS[maker]
    process = launch(small, tmp_path, *more)
    wait_until(process, lambda: find_maker(process, words)).kill()
    assert process.wait(timeout=PATIENCE) == 1
    kept = done_in(tmp_path)
    assert len(kept) == 2
    is_as_undisturbed(small, tmp_path, small_pages, kept)


def test_a_second_run_is_refused_and_leaves_the_first_alone(small, small_files, tmp_path):
    """Two at once on one folder: exit code 19 at once; the first ends as if alone."""
    process = started(small, tmp_path, formats=FORMATS)
    process.send_signal(signal.SIGSTOP)  # it cannot end before the second begins
    said = sipas("run", small, "--units", FEW, "--out", tmp_path, expect=19)
    process.send_signal(signal.SIGCONT)
    assert str(tmp_path) in said
    assert process.wait(timeout=PATIENCE) == 0
    is_as_undisturbed(small, tmp_path, small_files, done_in(tmp_path), FORMATS)


def test_a_full_disk_stops_a_report_and_not_the_next_run(small, small_files, tmp_path):
    """A small file system fills up; with room again only what is missing is made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small file system")
    try:
        asked = ["--units", FEW, "--formats", FORMATS, "--out", disk / "out"]
        said = sipas("run", small, *asked, expect=1)
        assert "so-" in said
        assert [*disk.rglob(".aside-*")] == []
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        sipas("run", small, *asked)
        assert no_state(hashes(disk / "out")) == no_state(small_files)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture(scope="module")
def cluster():
    """Two workers on this machine, each with one thread and a worker process for reports."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as workers:
        yield workers


def test_a_dask_cluster_makes_the_same_files(cluster, small, small_files, tmp_path):
    """In every format, whichever worker makes a report."""
    asked = ["--units", FEW, "--formats", FORMATS, "--scheduler", cluster.scheduler_address]
    sipas("run", small, *asked, "--out", tmp_path)
    assert no_state(hashes(tmp_path)) == no_state(small_files)


def test_a_dask_worker_that_is_killed_costs_no_report(cluster, small, small_pages, tmp_path):
    """The cluster gives its work to the other worker; one more run finds nothing to make."""
    process = started(small, tmp_path, "--scheduler", cluster.scheduler_address)
    os.kill(cluster.workers[0].pid, signal.SIGKILL)
    assert process.wait(timeout=PATIENCE) == 0
    kept = done_in(tmp_path)
    assert len(kept) == 3
    is_as_undisturbed(small, tmp_path, small_pages, kept)


def test_a_notebook_that_raises_leaves_the_others_complete(small, small_pages, tmp_path):
    """A cell cannot write its folder: named with its reason, exit code 1; mended, it is made."""
    (tmp_path / "units").mkdir()
    obstacle = tmp_path / "units" / "so-b"
    obstacle.write_text("a file where a folder should be", "utf-8")
    said = sipas("run", small, "--units", FEW, "--formats", PAGES, "--out", tmp_path, expect=1)
    assert "so-b" in said
    found = hashes(tmp_path)
    others = {
        name: digest
        for name, digest in small_pages.items()
        if name.startswith("units/") and "so-b" not in name
    }
    assert {name: found[name] for name in others} == others
    obstacle.unlink()
    is_as_undisturbed(small, tmp_path, small_pages, done_in(tmp_path))


# ── the engine: what a kernel does, without one


def run_cells(tmp_path, *sources, engine="sipas-fork"):
    """Run cells through papermill in a process of its own; return the executed notebook."""
    from nbformat.v4 import new_code_cell, new_notebook  # 3 s: it reads grammars of addresses

    cells = [new_code_cell(it) for it in sources]
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    source = tmp_path / "in.ipynb"
    source.write_text(json.dumps(new_notebook(cells=cells, metadata={"kernelspec": spec})), "utf-8")
    code = (
        "import papermill, sys; papermill.execute_notebook(sys.argv[1], sys.argv[2], "
        f"engine_name={engine or None!r}, kernel_name='python3', progress_bar=False)"
    )
    command = [sys.executable, "-c", code, str(source), str(tmp_path / "out.ipynb")]
    environment = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return json.loads((tmp_path / "out.ipynb").read_text("utf-8"))["cells"], done


CELLS = [
    "print('a'); print('c')",
    "import sys; print('b', file=sys.stderr)",
    "1 + 1",
    "2 + 2;",
    (
        "from IPython.display import HTML, display\n"
        "h = display(HTML('<b>x</b>'), display_id='k')\n"
        "h.update(HTML('<i>y</i>'))"
    ),
    "import warnings; warnings.warn('beware', stacklevel=1)",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "import pandas as pd\npd.DataFrame({'a': [1]})",
    "get_ipython().run_line_magic('matplotlib', 'inline')",
]


def shape(cells):
    """Return what came out of each cell, without what differs by nature: paths in warnings."""
    found = []
    for cell in cells:
        outputs = []
        for it in cell["outputs"]:
            data = {k: v for k, v in it.get("data", {}).items() if k != "image/png"}
            text = "warning" if "beware" in "".join(it.get("text", "")) else it.get("text")
            outputs.append(
                (it["output_type"], it.get("name"), text, data, it.get("execution_count"))
            )
        found.append((cell["execution_count"], outputs))
    return found


def test_cells_come_out_as_from_a_kernel(tmp_path):
    """Streams, results, semicolons, displays changed later, warnings, pictures, tables."""
    (tmp_path / "k").mkdir()
    ours, _ = run_cells(tmp_path, *CELLS)
    theirs, _ = run_cells(tmp_path / "k", *CELLS, engine="")
    assert shape(ours) == shape(theirs)
    pictures = [output for output in ours[6]["outputs"] if "image/png" in output.get("data", {})]
    assert len(pictures) == 1


@pytest.mark.parametrize("source", ["raise ValueError('no')", "1 +", "exit_code = input('?')"])
def test_a_cell_that_fails_stops_the_notebook(tmp_path, source):
    """At run time, before it, or for want of a kernel; the cells after it are not run."""
    cells, done = run_cells(tmp_path, "x = 1", source, "x = 2")
    assert done.returncode != 0
    assert "PapermillExecutionError" in done.stderr
    ran = [cell for cell in cells if cell["cell_type"] == "code" and cell["execution_count"]]
    assert "x = 2" not in [cell["source"] for cell in ran]


def test_reports_draw_by_their_name_and_share_nothing(tmp_path):
    """A fork copies generators: the same report draws the same, another one others."""
    code = (
        "from sipas_analysis.runs.worker import seed_generators as seed; "
        "import numpy as np, random; "
        "[print(*(seed(n) or (np.random.rand(), random.random()))) for n in ('a', 'b', 'a')]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second, third = done.stdout.split("\n")[:3]
    assert first == third != second


@pytest.mark.parametrize("first", ["papermill.engines", "sipas_analysis.runs.papermill_engine"])
def test_papermill_finds_the_engine_whoever_is_imported_first(first):
    """papermill loads the engine while its own module loads; neither may need the other whole."""
    code = (
        f"import {first}; from papermill.engines import papermill_engines as known; "
        "from sipas_analysis.runs.papermill_engine import ForkEngine as ours; "
        "print(known.get_engine('sipas-fork') is ours)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]
    assert shutil.which("sipas", path=str(BIN))
