"""Forge runs and archives and count what `verify` finds; check that untouched runs raise no alarm.

    python benchmarks/forger.py [--runs 50] [--parts edits] [--out benchmarks/results/forger.txt]

1. Each kind of edit of `tests/forgeries.py` twice: as it is, and with list, crate and receipt
   written anew as the program writes them; the inputs are at hand.
2. Untouched runs of waves that differ: units, forms, blanks, threshold, languages, formats of
   answers and reports, an earlier wave, its plan and the next, runs in two steps. Each is made by
   `run_wave` and verified.
3. Archives with bytes, parts or names that `archive` does not write.
"""

import argparse
import contextlib
import io
import os
import random
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

import duckdb  # noqa: E402
import yaml  # noqa: E402
from conftest import FACTS, PACK  # noqa: E402
from forgeries import EDITS, reseal  # noqa: E402

from sipas_analysis.collect.survey import read_survey  # noqa: E402
from sipas_analysis.collect.wave import read_wave  # noqa: E402
from sipas_analysis.errors import ReceiptError  # noqa: E402
from sipas_analysis.proof.archive import open_archive, verify_run, write_archive  # noqa: E402
from sipas_analysis.proof.receipt import read_receipt  # noqa: E402
from sipas_analysis.proof.verification_page import describe_verification  # noqa: E402
from sipas_analysis.proof.verify import verify  # noqa: E402
from sipas_analysis.runs.annual_run import RunRequest, run_wave  # noqa: E402
from sipas_analysis.runs.remake import remake  # noqa: E402

ITEMS = ("A1", "A2", "D1", "OVERALL")
ALL = ("html", "docx", "pdf", "xlsx")
PLAN = """id,unit,item,task,owner,due,budget,indicator,target,status,note,remark,measure,wave
P01,*,A1,Kê thêm ghế,Chánh Văn phòng,,40 triệu,survey,100,approved,,,,{wave}
so-a-01,so-a,A2,Thay máy,,,,survey,100,approved,,,,{wave}
"""
UNDECIDED = {"another machine, a page inside the page": "partly"}  # not verified, exit code 1
LISTING = ("report removed", "receipt: another program")  # the list or program is another


def write_wave(folder: Path, draw: random.Random, n_units: int, **facts: object) -> Path:
    """Write a wave of a few units with random answers; return its path."""
    codes = [f"so-{letter}" for letter in "abcdefgh"[:n_units]]
    rows = ["unit," + ",".join(ITEMS) + ",sex"]
    for code in codes:
        for _ in range(draw.randint(20, 45)):
            answers = (draw.choice("2344559" if draw.random() < 0.2 else "23445") for _ in ITEMS)
            rows.append(f"{code},{','.join(answers)},{draw.choice(['male', 'female'])}")
    units = "code,name_vi,name_en,group\n" + "".join(
        f"{code},Sở {code[-1].upper()},Department {code[-1].upper()},departments\n"
        for code in codes
    )
    facts = FACTS | {"languages": ["vi"], "min_forms": 20} | facts
    texts = {"pack.yaml": PACK, "units.csv": units, "answers.csv": "\n".join(rows) + "\n"}
    texts["wave.yaml"] = yaml.safe_dump(facts, allow_unicode=True)
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder / "wave.yaml"


def quietly(work: Callable[[], object]) -> object:
    """Do some work without its messages."""
    with contextlib.redirect_stdout(io.StringIO()):
        return work()


def publish(wave: Path, out: Path, **options: object) -> None:
    """Make the reports of a wave."""
    survey = read_survey(read_wave(wave))
    failed = quietly(lambda: run_wave(survey, RunRequest(out, **options)))
    assert failed == {}, failed


@contextmanager
def made_again(home: Path) -> Iterator[Callable[..., object]]:
    """Make the files of a run again once; yield what gives them for each check."""
    survey, facts = read_survey(read_wave(home / "inputs/wave.yaml")), read_receipt(home / "out")
    with contextlib.ExitStack() as stack:
        folder = quietly(lambda: stack.enter_context(remake(survey, facts)))
        yield lambda _survey, _facts: nullcontext(folder)


def forge(home: Path, say: Callable[[str], None]) -> None:
    """Count the edits that are found, and say what is found first."""
    found = {False: 0, True: 0}
    with made_again(home) as remake_once:
        for name, edit in EDITS.items():
            for is_resealed in (False, True):
                copy = home.with_name("copy")
                shutil.copytree(home, copy)
                edit(copy)
                if is_resealed:
                    reseal(copy / "out")
                again = remake if name in LISTING else remake_once
                checked = quietly(
                    lambda: verify(copy / "out", copy / "inputs/wave.yaml", remake=again)  # noqa: B023
                )
                is_found = checked.grade in ("different", UNDECIDED.get(name))
                found[is_resealed] += is_found
                if is_resealed or not is_found:
                    first = [*describe_verification(checked, "en")][1:2]
                    say(f"  {name}: {checked.grade}; {''.join(first)[:110]}")
                shutil.rmtree(copy)
    say(f"edits found: {found[False]} of {len(EDITS)}; sealed again: {found[True]} of {len(EDITS)}")


def write_years(home: Path, draw: random.Random, number: int) -> Path:
    """Write one of the waves that differ; return its path."""
    facts: dict[str, object] = {
        "languages": draw.choice([["vi"], ["en"], ["vi", "en"], ["en", "vi"]]),
        "min_forms": draw.choice([10, 20, 30]),
        "seed": draw.randint(0, 99),
    }
    n_units, is_planned = draw.randint(1, 2), number % 3 == 1
    if number % 2:
        before = write_wave(home / "before", draw, n_units, id="small-2023", year=2023)
        facts["earlier"] = [f"../before/{before.name}"]
        if is_planned:
            (home / "before/plan.csv").write_text(PLAN.format(wave="small-2023"), "utf-8")
            facts["plan"] = "../before/plan.csv"
    file_format = draw.choice(["csv", "xlsx", "parquet"])
    facts["responses"] = [{"file": f"answers.{file_format}"}]
    wave = write_wave(home / "inputs", draw, n_units, **facts)
    answers = duckdb.read_csv(str(home / "inputs/answers.csv"), all_varchar=True)
    if file_format == "xlsx":
        answers.df().to_excel(home / "inputs/answers.xlsx", index=False)
    elif file_format == "parquet":
        answers.to_parquet(str(home / "inputs/answers.parquet"))
    if is_planned:
        (home / "inputs/plan.csv").write_text(PLAN.format(wave="small-2024"), "utf-8")
    return wave


def check_untouched(number: int, folder: Path) -> str:
    """Make a run and verify it; return what is wrong, nothing if it is the same."""
    draw = random.Random(number)
    home = folder / f"wave-{number}"
    wave = write_years(home, draw, number)
    formats = [["html"], ["html", "xlsx"], ["html"], ["docx"], [*ALL]][number % 5]
    publish(wave, home / "out", formats=formats)
    if draw.random() < 0.3:  # some units once more, in another format or language
        more = draw.choice([{"formats": ["xlsx"]}, {"languages": ["en"]}, {"units": ["so-a"]}])
        publish(wave, home / "out", **{"formats": ["html"], **more})
    checked = quietly(lambda: verify(home / "out", wave, remake=remake))
    shutil.rmtree(home)
    first = [*describe_verification(checked, "en")][:3]
    return "" if checked.grade == "same" else f"  wave {number}: {first}"


def leave_untouched(folder: Path, n_runs: int, jobs: int, say: Callable[[str], None]) -> None:
    """Count the alarms of untouched runs, made in forks that share what is loaded."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as forks:
        alarms = [*filter(None, forks.map(partial(check_untouched, folder=folder), range(n_runs)))]
    for alarm in alarms:
        say(alarm)
    say(f"untouched runs: {len(alarms)} alarms in {n_runs}")


# ── archives: each damage gets the path of an archive


def append(content: bytes) -> Callable[[Path], None]:
    """Return a damage: bytes at the end."""
    return lambda path: path.write_bytes(path.read_bytes() + content)


def rewrite(change: Callable[[dict[str, bytes]], object], **options: object) -> Callable[..., None]:
    """Return a damage: the parts changed, in the form of the program or with other options."""

    def damage(path: Path) -> None:
        from sipas_analysis.files import zip_parts

        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        change(parts)
        if not options:
            path.write_bytes(zip_parts(sorted(parts.items())))
            return
        with zipfile.ZipFile(path, "w", options.get("kind", zipfile.ZIP_DEFLATED)) as archive:
            for name, content in parts.items():
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = options.get("kind", zipfile.ZIP_DEFLATED)
                info.external_attr, info.create_system = 0o600 << 16, 3
                info.extra, info.comment = options.get("extra", b""), options.get("note", b"")
                archive.writestr(info, content)
            archive.comment = options.get("comment", b"")

    return damage


def edit_part(name: str) -> Callable[[dict[str, bytes]], object]:
    """Return a change: one part has another line."""

    def change(parts: dict[str, bytes]) -> None:
        parts[name] += b"\n# more\n"

    return change


def hide_entry(path: Path) -> None:
    """Put a part before the list that the list does not name."""
    content = path.read_bytes()
    start = content.index(b"PK\1\2")
    hidden = b"PK\3\4" + bytes(26) + b"hidden"
    path.write_bytes(content[:start] + hidden + content[start:])


def repeat_part(path: Path) -> None:
    """Add a second part of a name that is there."""
    with zipfile.ZipFile(path, "a") as archive:
        name = archive.namelist()[0]
        archive.writestr(name, b"another")


def reverse(parts: dict[str, bytes]) -> None:
    """Turn the order of the parts."""
    items = [*reversed(parts.items())]
    parts.clear()
    parts.update(items)


def nothing(_parts: dict[str, bytes]) -> None:
    """Leave the parts as they are."""


DAMAGES: dict[str, Callable[[Path], None]] = {
    "bytes before": lambda path: path.write_bytes(b"#!/bin/sh\n" + path.read_bytes()),
    "bytes after": append(b"more"),
    "a second archive after": lambda path: append(path.read_bytes())(path),
    "a hidden entry between": hide_entry,
    "a name twice": repeat_part,
    "a comment": rewrite(nothing, comment=b"more"),
    "a comment of a part": rewrite(nothing, note=b"more"),
    "an extra field": rewrite(nothing, extra=b"\x99\x99\x02\x00ab"),
    "another order": rewrite(reverse, order=True),
    "another compression": rewrite(nothing, kind=zipfile.ZIP_STORED),
    "the README": rewrite(edit_part("README.vi.txt")),
    "the lock": rewrite(edit_part("program/requirements.lock")),
    "the program": rewrite(edit_part("program/sipas_analysis/proof/verify.py")),
    "a file beside the program": rewrite(
        lambda parts: parts.update({"program/sitecustomize.py": b"x = 1"})
    ),
    "a module less": rewrite(lambda parts: parts.pop("program/sipas_analysis/proof/trace.py")),
    "the crate": rewrite(edit_part("ro-crate-metadata.json")),
    "the list of inputs": rewrite(edit_part("inputs.json")),
    "an answer": rewrite(
        lambda parts: parts.update(
            {"inputs/answers.csv": parts["inputs/answers.csv"].replace(b",5,", b",1,", 1)}
        )
    ),
    "an output": rewrite(edit_part("outputs/tables/scores.csv")),
    "a name that leads out": rewrite(lambda parts: parts.update({"../evil": b"x"})),
}


def damage_archives(home: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Count the damaged archives that are refused or called different."""
    packed = write_archive(home / "out", folder / "run.zip", home / "inputs/wave.yaml")
    found = 0
    with made_again(home) as remake_once:
        for name, damage in {"none": lambda _path: None, **DAMAGES}.items():
            path = Path(shutil.copy(packed, folder / "damaged.zip"))
            damage(path)
            unpacked = folder / "unpacked"
            try:
                checked = verify_run(open_archive(path, unpacked), remake=remake_once)
                grade, first = checked.grade, [*describe_verification(checked, "en")][1:2]
            except ReceiptError as error:
                grade, first = "refused", [error.text("en").replace(f"{folder}/", "")]
            found += grade in ("different", "refused")
            say(f"  {name}: {grade}; {''.join(first)[:110]}")
            shutil.rmtree(unpacked, ignore_errors=True)
    say(f"damaged archives found: {found} of {len(DAMAGES)}")


def main() -> None:
    """Run the three parts and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--parts", nargs="*", default=["edits", "archives", "untouched"])
    options = parser.parse_args()
    said: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        said.append(line)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "run"
        wave = write_wave(home / "inputs", random.Random(2024), 3)
        publish(wave, home / "out", formats=ALL)
        if "edits" in options.parts:
            forge(home, say)
        if "archives" in options.parts:
            damage_archives(home, folder, say)
        if "untouched" in options.parts:
            leave_untouched(folder, options.runs, options.jobs, say)
    if options.out:
        options.out.write_text("\n".join(said) + "\n", "utf-8")


if __name__ == "__main__":
    main()
