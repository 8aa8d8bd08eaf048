"""Write what may never be published: the officials whose dossiers are late again and again (T6).

Codes only. The file lies in a folder of its own that no receipt lists and no archive packs; only
the account that wrote it may read it. A row is a reason to look closer, no accusation.
"""

from pathlib import Path

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ConfigError
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.files import write_privately
from sipas_analysis.records.late_again import find_late_again
from sipas_analysis.records.office_records import read_records
from sipas_analysis.records.timeliness import mark_counted
from sipas_analysis.reports.file_names import RESTRICTED

LATE_AGAIN = "late_again"


def write_late_again(survey: Survey, out: Path) -> Path:
    """Write ``restricted/late_again.csv`` below an output folder; return its path.

    Args:
        survey: The survey of a wave with records.
        out: Output folder of the wave.

    Raises:
        ConfigError: The wave names no records, or no movements of dossiers.
        RecordsError: The records cannot be read.
    """
    records = read_records(survey)
    if records.movements is None:
        raise ConfigError("records_no_movements", file=survey.wave.path.name)
    counted = mark_counted(records.dossiers, records.period)
    table = find_late_again(records.movements, records.dossiers[counted])
    with write_privately():
        (path,) = write_tables({LATE_AGAIN: table}, out / RESTRICTED)
    return path
