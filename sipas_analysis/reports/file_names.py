"""Name the files of a report, by format and language, below the output folder of its wave."""

import re
from collections.abc import Sequence

from sipas_analysis.messages import Language

FORMATS = ("html", "docx", "pdf", "xlsx")
LETTER_FORMATS = ("docx", "pdf")  # formats of a letter: to sign, and to file
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\\/:*?"<>|]')  # of units of a data frame, which have no code


def name_report_files(
    unit: str, formats: Sequence[str], languages: Sequence[Language]
) -> dict[tuple[str, Language], str]:
    """Name the files of a report below the folder of its wave, by format and language.

    The key of a unit's letter is ``letter pdf`` or ``letter docx``. A file need not exist.

    Example:
        >>> [*name_report_files("so-nv", ["docx"], ["vi"]).values()]
        ['units/so-nv/report.vi.docx', 'units/so-nv/letter.vi.docx']
        >>> [*name_report_files("../Tax/Land", ["html"], ["en"]).values()]
        ['units/-Tax-Land/report.en.html']
    """
    folder = f"units/{_NOT_IN_NAMES.sub('-', unit).strip('. ') or '-'}" if unit else "province"
    letters = [f"letter {kind}" for kind in LETTER_FORMATS if kind in formats and unit]
    names = {}
    for kind in (*formats, *letters):
        letter, _, file_format = kind.rpartition(" ")
        stem = letter or ("report" if unit or kind != "xlsx" else "annexes")
        for language in languages:
            names[kind, language] = f"{folder}/{stem}.{language}.{file_format}"
    return names
