"""Name the files of a report, by format and language, below the output folder of its wave."""

import re
from collections.abc import Sequence

from sipas_analysis.errors import ParameterError
from sipas_analysis.messages import Language

FORMATS = ("html", "docx", "pdf", "xlsx")
LETTER_FORMATS = ("docx", "pdf")  # formats of a letter: to sign, and to file
ANNEX_FORMATS = ("html", "docx", "pdf")  # formats of the annexes beside their workbook
TABLES = "tables"  # folder of the tables of a wave
EDITED = "edited"  # folder of files that a person edited, moved aside: in no receipt, no archive
RESTRICTED = "restricted"  # folder of what must not be published: in no receipt, in no archive
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\\/:*?"<>|]')  # of units of a data frame, which have no code


def refuse_formats(formats: Sequence[str]) -> None:
    """Refuse formats that no report has, all of them at once.

    Raises:
        ParameterError: A format that is not known.
    """
    wrong = [name for name in formats if name not in FORMATS]
    if wrong:
        raise ParameterError("run_format", found="”, “".join(wrong), known=", ".join(FORMATS))


def name_report_files(
    unit: str, formats: Sequence[str], languages: Sequence[Language]
) -> dict[tuple[str, Language], str]:
    """Name the files of a report below the folder of its wave, by format and language.

    The key of a unit's letter is ``letter pdf`` or ``letter docx``, that of the annexes of a
    province ``annexes html``, ``annexes docx`` or ``annexes pdf``. A file need not exist.

    Example:
        >>> [*name_report_files("so-nv", ["docx"], ["vi"]).values()]
        ['units/so-nv/report.vi.docx', 'units/so-nv/letter.vi.docx']
        >>> [*name_report_files("", ["pdf", "xlsx"], ["vi"]).values()][1:]
        ['province/annexes.vi.xlsx', 'province/annexes.vi.pdf']
        >>> [*name_report_files("../Tax/Land", ["html"], ["en"]).values()]
        ['units/-Tax-Land/report.en.html']
    """
    folder = f"units/{_NOT_IN_NAMES.sub('-', unit).strip('. ') or '-'}" if unit else "province"
    prefix, formats_beside = ("letter", LETTER_FORMATS) if unit else ("annexes", ANNEX_FORMATS)
    beside = [f"{prefix} {kind}" for kind in formats_beside if kind in formats]
    names = {}
    for kind in (*formats, *beside):
        document, _, file_format = kind.rpartition(" ")
        stem = document or ("report" if unit or kind != "xlsx" else "annexes")
        for language in languages:
            names[kind, language] = f"{folder}/{stem}.{language}.{file_format}"
    return names


def name_table_workbooks(languages: Sequence[Language]) -> dict[Language, str]:
    """Name the workbooks with the tables of a wave below its folder, by language.

    Example:
        >>> name_table_workbooks(["vi"])
        {'vi': 'tables/tables.vi.xlsx'}
    """
    return {language: f"{TABLES}/tables.{language}.xlsx" for language in languages}
