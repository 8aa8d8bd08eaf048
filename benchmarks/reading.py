"""Time reading files of answers against pandas with the same engine, and `init` and `check`.

    python benchmarks/reading.py [--units 187] [--rounds 5]

One wave of 160 forms a unit is written in each format. Ours and pandas read each file in turns in
one process, both to text; the ratio of medians is the result. Ours also reads the state of the
sheet, and finds the separator of a CSV file by all rows, which pandas is told. `sipas init` and
`check` of the workbook, in processes of their own, stand against reading it with openpyxl in
read-only mode.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyreadstat
import xlsxwriter
import yaml

from sipas_analysis.collect.simulate import build_demo, write_demo
from sipas_analysis.sheets.reader import read_sheet

OPENPYXL = """
import sys
from openpyxl import load_workbook
sheet = load_workbook(sys.argv[1], read_only=True, data_only=True).worksheets[0]
rows = [row for row in sheet.iter_rows(values_only=True)]
"""
MEASURE = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
usage = os.wait4(process.pid, 0)[2]
print(time.perf_counter() - start, usage.ru_maxrss)
"""


def write_formats(answers: pd.DataFrame, folder: Path) -> dict[Path, Callable[[Path], object]]:
    """Write the answers in each format; return how pandas reads each as text."""
    book = folder / "forms.xlsx"
    with xlsxwriter.Workbook(book, {"strings_to_numbers": True}) as workbook:
        sheet = workbook.add_worksheet("Phiếu")
        for at, row in enumerate([answers.columns, *answers.to_numpy()]):
            sheet.write_row(at, 0, row)
    numbers = answers.apply(pd.to_numeric, errors="coerce")
    typed = answers.where(numbers.isna().all(), numbers.astype(float))
    typed = typed.astype({name: float for name in answers if not numbers[name].isna().all()})
    levels = {float(level): f"Mức {level}" for level in range(1, 6)}
    items = {name: levels for name in typed.columns[-24:] if typed[name].dtype == float}
    pyreadstat.write_sav(typed, str(folder / "forms.sav"), variable_value_labels=items)
    pyreadstat.write_dta(typed, str(folder / "forms.dta"))
    duckdb.sql("SELECT * FROM typed").write_parquet(str(folder / "forms.parquet"))
    return {
        book: lambda path: pd.read_excel(path, engine="calamine", dtype=str),
        folder / "forms.sav": pd.read_spss,
        folder / "forms.dta": lambda path: pyreadstat.read_dta(str(path))[0].astype(str),
        folder / "forms.parquet": lambda path: duckdb.read_parquet(str(path)).df().astype(str),
        folder / "responses.csv": lambda path: pd.read_csv(path, dtype=str),
    }


def measure_process(*words: object) -> tuple[float, int]:
    """Return the seconds and the most memory (MB) of a command, started by a small process."""
    command = [sys.executable, "-c", MEASURE, *map(str, words)]
    seconds, memory = subprocess.run(command, capture_output=True, check=True).stdout.split()
    return float(seconds), int(memory) // 1024


def measure_commands(book: Path, wave: Path) -> None:
    """Print `init` and `check` of a workbook against openpyxl."""
    folder = book.parent / "new"
    folder.mkdir()
    sipas = Path(sys.executable).with_name("sipas")
    base, memory = measure_process(sys.executable, "-c", OPENPYXL, book)
    print(f"openpyxl        {base:6.2f} s, {memory} MB")
    facts = yaml.safe_load(wave.read_text("utf-8")) | {"responses": [{"file": book.name}]}
    wave.write_text(yaml.safe_dump(facts, allow_unicode=True), "utf-8")
    for name, words in {
        "init": [sipas, "init", book, "--out", folder],
        "check": [sipas, "check", wave],
    }.items():
        seconds, memory = measure_process(*words)
        print(f"sipas {name:8}  {seconds:6.2f} s, {memory} MB, {seconds / base:.2f} of openpyxl")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=187)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        wave = write_demo(build_demo("demo", options.units), Path(name))
        answers = pd.read_csv(wave.with_name("responses.csv"), dtype=str, keep_default_na=False)
        readers = write_formats(answers, wave.parent)
        print(f"machine         {platform.machine()}, {os.cpu_count()} cores", end=", ")
        print(f"Python {platform.python_version()}, pandas {pd.__version__}")
        print(f"answers         {len(answers):,} forms × {len(answers.columns)} columns")
        for path, read_with_pandas in readers.items():
            seconds: dict[str, list[float]] = {"ours": [], "pandas": []}
            for _ in range(options.rounds):
                for reader, read in (("ours", read_sheet), ("pandas", read_with_pandas)):
                    start = time.perf_counter()
                    read(path)
                    seconds[reader].append(time.perf_counter() - start)
            ours, theirs = (statistics.median(values) for values in seconds.values())
            print(
                f"{path.suffix:15} {ours:6.2f} s, pandas {theirs:.2f} s, {ours / theirs:.2f} of it"
            )
        measure_commands(next(iter(readers)), wave)


if __name__ == "__main__":
    main()
