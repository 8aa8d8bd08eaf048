"""Publish small waves with the program, for the attackers: as it would, but for the pages.

    python tests/recovery/publications.py editions FOLDER...

``editions``: two editions, of which the later one names the receipt of the earlier one; what the
program says before it publishes is kept in ``warnings.json``. ``years``: two years with the table
of ``sipas compare``. ``folder``: all tables of a run.
"""

import json
import sys
from pathlib import Path

import sipas_analysis as sipas
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.editions import COUNTED
from sipas_analysis.figures.published import Figures
from sipas_analysis.proof.receipt import round_figures
from sipas_analysis.reports.edition_output import describe_editions

WAVES = {"editions": ("first", "second"), "years": ("before", "after"), "folder": ("",)}


def publish(folder, kind):
    """Write the tables of the waves of a folder, in their order."""
    for name in WAVES[kind]:
        _publish_one(folder / name, kind)


def _publish_one(folder, kind):
    survey = sipas.read_survey(sipas.read_wave(folder / "wave.yaml"))
    figures = Figures(survey)
    if kind == "folder":
        write_tables(figures.tables(), folder / "tables")
        return
    parts = [*COUNTED, *(("changes", "trend") if survey.wave.earlier else ())]
    tables = figures.tables(("scores",)) | {"figures": figures.list_parts(parts)}
    if figures.last_year is not None:
        tables["changes"] = figures.last_year.frame
    if kind == "editions":
        said = [text for text, _ in describe_editions(survey, folder / "none", "en")]
        (folder / "warnings.json").write_text(json.dumps(said), "utf-8")
        rows = round_figures(tables["figures"])
        receipt = {"wave": {"id": survey.wave.id}, "sha256": "5" * 64, "figures": rows}
        (folder / "receipt.json").write_text(json.dumps(receipt), "utf-8")
    write_tables(tables, folder / "tables")


if __name__ == "__main__":
    for path in map(Path, sys.argv[2:]):
        publish(path, sys.argv[1])
