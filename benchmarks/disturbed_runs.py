"""Disturb runs in every way that is feared, and run once more: are the files those of peace?

    python benchmarks/disturbed_runs.py [FIRST LAST]

A small wave with last year's wave and records is copied for each case. A child of this process runs
``sipas run`` on the copy and is disturbed at an event of the run, never after some time: an input
is changed (and put back), a signal comes, a disk is full, a limit is set. Then everything is put
right and the same command runs once more. Writes ``results/disturbed_runs.csv``:

    code         exit code of the disturbed run
    named        whether it said which file changed (empty where none did)
    traceback    whether it showed a traceback or called the fault its own
    receipt      whether it wrote a receipt
    left         processes of the run that live 3 s after its end, and private copies that stay
    modes        files that others may read and should not, or the reverse
    as_in_peace  whether every file after one more run has the bytes of an undisturbed run

Full disks and folders that even root cannot write need the right to mount; else they are left out.
"""

import contextlib
import csv
import hashlib
import importlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from sipas_analysis import cli, input_copies
from sipas_analysis.collect import survey
from sipas_analysis.collect.simulate import build_demo
from sipas_analysis.records import simulate
from sipas_analysis.runs import annual_run, notebook, worker

RESULTS = Path(__file__).parent / "results" / "disturbed_runs.csv"
YEAR, ANSWERS, UNIT = "2025", "2025/responses.csv", "so-tttt"
PRIVATE = ("state/", "logs/", "receipt.private.json")
EVENTS = {  # where a case may strike: the function before which, or after which it does
    "copy": (input_copies, "_copy_bytes"),
    "answers": (survey, "_read_all"),
    "figures": (annual_run, "prepare_wave"),
    "report": (worker.select, "select"),
    "start": (worker, "_start_child"),
    "end": (worker, "_end_child"),
    "kernel": (worker, "_run_in_kernel"),
    "receipt": (annual_run, "write_crate"),
}
Strike = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """What is done to a run.

    Attributes:
        name: What a reader of the table is told.
        strike: What happens at an event, to the folder of the case.
        when: Event before which it happens; empty where it happens before the run.
        back: Event after which the files are put back; empty where they are not.
        file: Which file the run has to name.
        words: More words of the command.
        out: Output folder, if it is not in the folder of the case.
        mend: What puts the system right before the run that follows.
    """

    name: str
    strike: Strike
    when: str = ""
    back: str = ""
    file: str = ""
    words: tuple[str, ...] = ("--jobs", "1")
    out: str = "out"
    mend: Strike = lambda folder: None  # noqa: ARG005


# ── what happens to files


def edit(name: str, folder: Path) -> None:
    """Change answers or words of a file; add a line where there is nothing to change."""
    text = (folder / name).read_text("utf-8")
    changed = text.replace(",5", ",1").replace("min_forms: 10", "min_forms: 11")
    (folder / name).write_text(changed if changed != text else text + "\n", "utf-8")


def remove(name: str, folder: Path) -> None:
    """Remove a file or folder."""
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def replace(name: str, folder: Path) -> None:
    """Put another file in the place of one, as an editor saves."""
    aside = folder / "aside"
    aside.write_bytes((folder / name).read_bytes().replace(b",4", b",2"))
    aside.replace(folder / name)


def rewrite(name: str, folder: Path) -> None:
    """Write the same bytes once more."""
    (folder / name).write_bytes((folder / name).read_bytes())


def empty(name: str, folder: Path) -> None:
    """Leave nothing in a file."""
    (folder / name).write_bytes(b"")


def add(name: str, folder: Path) -> None:
    """Add a file: other answers, or something that is no plan."""
    (folder / name).write_bytes((folder / ANSWERS).read_bytes().replace(b"P0", b"Q0"))


def relink(folder: Path) -> None:
    """Let the link to the answers lead to other answers."""
    replace("2025/answers.kept", folder)


def put_back(folder: Path, kept: Path) -> None:
    """Give the files of a wave the content that they had, and remove what came."""
    for year in ("2024", YEAR):
        shutil.rmtree(folder / year, ignore_errors=True)
        shutil.copytree(kept / year, folder / year, symlinks=True)


CHANGES = [
    Case("answers edited while copied", partial(edit, ANSWERS), "copy", "", "responses.csv"),
    Case(
        "wave.yaml edited before the answers are read",
        partial(edit, "2025/wave.yaml"),
        "answers",
        "",
        "wave.yaml",
    ),
    Case(
        "answers edited, put back after a report",
        partial(edit, ANSWERS),
        "start",
        "end",
        "responses.csv",
    ),
    Case(
        "answers edited during the first report",
        partial(edit, ANSWERS),
        "start",
        "",
        "responses.csv",
    ),
    Case("answers edited after the report", partial(edit, ANSWERS), "end", "", "responses.csv"),
    Case(
        "answers edited just before the receipt",
        partial(edit, ANSWERS),
        "receipt",
        "",
        "responses.csv",
    ),
    Case(
        "answers edited while figures are computed, put back",
        partial(edit, ANSWERS),
        "figures",
        "figures",
        "responses.csv",
    ),
    Case("answers removed", partial(remove, ANSWERS), "start", "", "responses.csv"),
    Case("answers emptied", partial(empty, ANSWERS), "figures", "", "responses.csv"),
    Case("answers saved by an editor", partial(replace, ANSWERS), "start", "", "responses.csv"),
    Case(
        "answers written again with the same bytes",
        partial(rewrite, ANSWERS),
        "start",
        "",
        "responses.csv",
    ),
    Case("more answers come", partial(add, "2025/responses2.csv"), "figures", "", "responses2.csv"),
    Case("units edited", partial(edit, "2025/units.csv"), "start", "", "units.csv"),
    Case(
        "units removed, put back", partial(remove, "2025/units.csv"), "figures", "end", "units.csv"
    ),
    Case(
        "records edited before they are read",
        partial(edit, "2025/records/petitions.csv"),
        "figures",
        "",
        "petitions.csv",
    ),
    Case(
        "records removed before they are read, put back",
        partial(remove, "2025/records/petitions.csv"),
        "figures",
        "end",
        "petitions.csv",
    ),
    Case(
        "last year's answers edited",
        partial(edit, "2024/responses.csv"),
        "figures",
        "",
        "responses.csv",
    ),
    Case(
        "last year's folder removed, put back",
        partial(remove, "2024"),
        "figures",
        "end",
        "wave.yaml",
    ),
    Case("a plan comes", partial(add, "2025/plan.xlsx"), "figures", "", "plan.xlsx"),
    Case(
        "a list of changed units comes",
        partial(add, "2025/unit_changes.csv"),
        "start",
        "",
        "unit_changes.csv",
    ),
    Case(
        "answers edited during a kernel, put back",
        partial(edit, ANSWERS),
        "kernel",
        "kernel",
        "responses.csv",
        ("--jobs", "1", "--engine", "kernel"),
    ),
]


# ── what happens to the process and its system


def send(number: int, _folder: Path) -> None:
    """Send a signal to the run."""
    os.kill(os.getpid(), number)


def kill_report(_folder: Path) -> None:
    """Kill the process of a report once it has started."""
    for child in psutil.Process().children():
        if "typst" not in " ".join(child.cmdline()):
            child.kill()


def limit(kind: int, value: int, _folder: Path) -> None:
    """Set a limit, as ulimit does."""
    resource.setrlimit(kind, (value, value))


def set_umask(mask: int, _folder: Path) -> None:
    """Set the umask."""
    os.umask(mask)


def point(folder: Path, **places: str) -> None:
    """Let variables of the environment name folders of the case."""
    os.environ.update({name: str(folder / place) for name, place in places.items()})
    tempfile.tempdir = None


def mount(options: str, place: str, folder: Path) -> None:
    """Mount a small or read-only file system."""
    (folder / place).mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder / place)]
    subprocess.run(command, check=True, capture_output=True)


def mount_read_only(folder: Path) -> None:
    """Let HOME and TMPDIR be folders that nobody can write."""
    mount("ro", "fixed", folder)
    point(folder, HOME="fixed", TMPDIR="fixed", TMP="fixed", TEMP="fixed", XDG_CACHE_HOME="fixed")


def mount_full(folder: Path) -> None:
    """Let the temporary folder have no room."""
    mount("size=8k", "full", folder)
    point(folder, TMPDIR="full")


def enlarge(place: str, folder: Path) -> None:
    """Give a small file system room."""
    subprocess.run(["mount", "-o", "remount,size=200m", str(folder / place)], check=True)


SYSTEM = [
    *(
        Case(f"{signal.Signals(number).name} during a report", partial(send, number), "report")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
    ),
    Case("SIGTERM while figures are computed", partial(send, signal.SIGTERM), "figures"),
    Case("SIGKILL while inputs are copied", partial(send, signal.SIGKILL), "copy"),
    Case("the process of a report is killed", kill_report, "report"),
    Case(
        "the disk of the output is full",
        partial(mount, "size=500k", "small"),
        out="small/out",
        mend=partial(enlarge, "small"),
    ),
    Case("the temporary disk is full", mount_full),
    Case("umask 077", partial(set_umask, 0o077)),
    Case("umask 027", partial(set_umask, 0o027)),
    Case("umask 000", partial(set_umask, 0)),
    Case("HOME and TMPDIR cannot be written", mount_read_only),
    Case("HOME and TMPDIR do not exist", partial(point, HOME="none", TMPDIR="none")),
    Case("ulimit -v 1 GB", partial(limit, resource.RLIMIT_AS, 10**9)),
    Case("ulimit -v 1.6 GB", partial(limit, resource.RLIMIT_AS, 1_600_000_000)),
    Case("ulimit -v 2.2 GB", partial(limit, resource.RLIMIT_AS, 2_200_000_000)),
    Case("ulimit -f 4 kB", partial(limit, resource.RLIMIT_FSIZE, 4096)),
    Case("ulimit -f 64 kB", partial(limit, resource.RLIMIT_FSIZE, 65_536)),
    Case("ulimit -n 9", partial(limit, resource.RLIMIT_NOFILE, 9)),
    Case("ulimit -n 14", partial(limit, resource.RLIMIT_NOFILE, 14)),
    Case("ulimit -n 20", partial(limit, resource.RLIMIT_NOFILE, 20)),
]


# ── the wave, a run, the table


def write_wave(folder: Path) -> None:
    """Write a wave of two units with petitions, and the wave before it."""
    for year in ("2024", YEAR):
        path = simulate.write_demo(build_demo("demo", 2), folder / year)
        forms = pd.read_csv(path.parent / "responses.csv", dtype=str, keep_default_na=False)
        forms = forms.groupby("don_vi").head(60).drop(columns="ma_ho_so")
        forms["ngay"] = forms["ngay"].str.replace(YEAR, year)
        forms.to_csv(path.parent / "responses.csv", index=False, lineterminator="\n")
        text = path.read_text("utf-8")
        text = text[: text.index("records:")] + text[text.index("responses:") :]
        for old, new in {
            YEAR: year,
            "  dossier: ma_ho_so\n": "",
            "file: responses.csv": 'file: "responses*.csv"',
            "min_forms: 20": "min_forms: 10",
            "- vi\n- en\n": "- vi\n",
            "id: demo": f"id: w{year}",
        }.items():
            text = text.replace(old, new)
        records = "records: {petitions: records/petitions.csv, from: 2025-01-01, to: 2025-12-31}\n"
        text += f"earlier: [../2024/wave.yaml]\n{records}" if year == YEAR else ""
        path.write_text(text, "utf-8")
    for name in ("dossiers.parquet", "movements.parquet", "publication.csv"):
        (folder / YEAR / "records" / name).unlink()
    shutil.rmtree(folder / "2024" / "records")


def strike_at(case: Case, folder: Path, kept: Path) -> None:
    """Let a case happen, once, at its event in this process."""
    done: list[str] = []

    def around(event: str) -> None:
        module, name = EVENTS[event]
        real = getattr(module, name)

        def double(*arguments: Any, **options: object) -> object:
            is_other = event == "copy" and not str(arguments[0].name).endswith(case.file)
            if event == case.when and not done and not is_other:
                done.append("struck")
                (folder / "struck").touch()
                case.strike(folder)
            answer = real(*arguments, **options)
            if event == case.back and "back" not in done:
                done.append("back")
                put_back(folder, kept)
            return answer

        setattr(module, name, double)

    for event in {case.when, case.back} - {""}:
        around(event)
    if not case.when:
        (folder / "struck").touch()
        case.strike(folder)


def run(folder: Path, case: Case, said: Path, prepare: Callable[[], None]) -> int:
    """Run the command in a child of this process; return its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and nohup this
    for kept in (input_copies._FOLDERS, input_copies._KEPT, input_copies._OWNED):
        kept.clear()  # type: ignore[attr-defined]  # this process has read packs, too
    code = 99
    try:
        for number in (1, 2):
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        os.chdir(folder)
        words = ("run", f"{YEAR}/wave.yaml", "--units", UNIT, "--out", case.out, "--lang", "en")
        sys.argv = ["sipas", *words, *case.words]
        prepare()
        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        input_copies.remove_copies()
        sys.stdout.flush()
        os._exit(code)


def hash_outputs(out: Path) -> dict[str, str]:
    """Return the hash of every file but times, notes, logs and the lock."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    names = {path.relative_to(out).as_posix(): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if not name.startswith(("state/", "logs/", "run.json", ".lock"))
    }


def list_wrong_modes(out: Path, mask: int) -> list[str]:
    """Return files that are not as open as the umask says, or private ones that are open."""
    names = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    return [
        name
        for name, path in names.items()
        if path.stat().st_mode & 0o777
        != (0o600 if name.startswith(PRIVATE) else 0o666 & ~mask) & ~(mask & 0o700)
    ]


def list_left(session: set[int], temporary: Path) -> list[str]:
    """Return processes that still live, and private copies that stay, 3 s after a run."""
    end = time.monotonic() + 3
    while (alive := [pid for pid in session if psutil.pid_exists(pid)]) and time.monotonic() < end:
        time.sleep(0.1)
    return [*map(str, alive), *(path.name for path in temporary.glob("sipas-inputs-*"))]


def examine(case: Case, base: Path, kept: Path, peace: dict[str, str]) -> dict[str, object]:
    """Disturb one run, look at it, and run once more."""
    folder = base / "case"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder, symlinks=True)
    (folder / "tmp").mkdir()
    said, out = folder / "said.txt", folder / case.out
    before = {*psutil.pids()}
    quiet = partial(point, folder, TMPDIR="tmp")

    def disturb() -> None:
        quiet()
        strike_at(case, folder, kept)

    code = run(folder, case, said, disturb)
    text = said.read_text("utf-8", "replace")
    assert (folder / "struck").exists(), f"{case.name}: {text}"
    session = {pid for pid in {*psutil.pids()} - before if _is_of(pid, folder)}
    left = list_left(session, folder / "tmp")
    mask = int(case.name.split()[1], 8) if case.name.startswith("umask") else 0o022
    facts = {
        "case": case.name,
        "code": code,
        "named": {True: "yes", False: "no"}[case.file in text] if case.file else "",
        "traceback": "yes" if "Traceback" in text or "our fault" in text else "no",
        "receipt": "yes" if (out / "receipt.json").exists() else "no",
        "left": " ".join(left),
        "modes": " ".join(list_wrong_modes(out, mask)) if out.exists() else "",
    }
    put_back(folder, kept)
    case.mend(folder)
    last = run(folder, case, said, quiet)
    same = last == 0 and hash_outputs(out) == peace
    for place in ("small", "full", "fixed"):
        if os.path.ismount(folder / place):
            subprocess.run(["umount", str(folder / place)], check=True)
    if not same or facts["traceback"] == "yes":
        print(said.read_text("utf-8", "replace"), file=sys.stderr)
    return facts | {"as_in_peace": "yes" if same else "no"}


def _is_of(pid: int, folder: Path) -> bool:
    """Return whether a process works in the folder of a case."""
    with contextlib.suppress(psutil.Error):
        return Path(psutil.Process(pid).cwd()) == folder
    return False


def note_modules() -> None:
    """Let a run write down, at its end, which modules it has loaded."""
    real, names = cli.main, Path("modules.txt").absolute()

    def double() -> None:
        try:
            real()
        finally:
            names.write_text("\n".join(sys.modules), "utf-8")

    cli.main = double


def load_modules(names: Iterable[str]) -> None:
    """Load modules in this process, so that no run has to; none of them may start a thread."""
    notebook.import_papermill()
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    assert threading.active_count() == 1


def main() -> None:
    """Examine every case and write the table."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        base = Path(place)
        kept = base / "kept"
        write_wave(kept)
        quiet = Case("peace", lambda folder: None)  # noqa: ARG005
        shutil.copytree(kept, base / "peace")
        assert run(base / "peace", quiet, base / "said.txt", note_modules) == 0
        peace = hash_outputs(base / "peace" / "out")
        load_modules((base / "peace" / "modules.txt").read_text("utf-8").split())
        first, last = map(int, sys.argv[1:] or (0, 99))
        for case in [*CHANGES, *SYSTEM][first:last]:
            rows.append(examine(case, base, kept, peace))
            print(*rows[-1].values(), sep=" | ", flush=True)
    with RESULTS.open("a" if first else "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [*rows[0]], lineterminator="\n")
        if not first:
            table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
