"""Parts of the page that leads an officer which are no widgets: style, links, what is asked."""

from html import escape
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import quote

from sipas_analysis.collect.survey import Survey
from sipas_analysis.desk.start_steps import list_word_files, zip_word_files
from sipas_analysis.draft.decisions import AS_FOUND, NO_ANSWER, Choice, Key
from sipas_analysis.draft.recognised import Draft
from sipas_analysis.messages import Language, say

if TYPE_CHECKING:
    from ipywidgets import Dropdown

WIDE = {"width": "98%", "max_width": "60rem"}
LABEL = {"description_width": "26rem"}
STYLE = """
.sipas-start .widget-label { white-space: normal; overflow: visible; text-overflow: clip;
  height: auto; line-height: 1.4; text-align: left; max-width: 50%; }
.sipas-start .widget-inline-hbox { height: auto; align-items: center; }
.sipas-start .widget-dropdown select { height: var(--jp-widgets-inline-height, 28px); }
.sipas-start .sipas-bar { height: 1rem; }
.sipas-start .sipas-bar .progress { height: 1rem; background: var(--jp-border-color2, #ddd); }
.sipas-start .sipas-bar .progress-bar { min-width: 10%; }
.sipas-start .sipas-bar .progress-bar, .sipas-start .sipas-working {
  animation: sipas-wait 1s infinite alternate; }
.sipas-start .sipas-found { line-height: 1.4; padding-left: 2rem; }
@keyframes sipas-wait { from { opacity: 1; } to { opacity: 0.4; } }
"""  # labels are wrapped, not cut; a bar can be seen before the first report is made
HEIGHT = 900  # of the opened report


def show_working(text: str) -> str:
    """Return what is being done as HTML that moves, so that it can be seen to go on."""
    return f'<p class="sipas-working">{escape(text)}</p>'


def link_word_files(survey: Survey, folder: Path, language: Language) -> str:
    """Return a table with a link to each letter and report in Word; nothing without any.

    JupyterLab opens no Word file itself, so the links download: the officer's copy to fill in. Its
    name says what it is and of which unit.
    """
    rows = []
    for code, name, files in list_word_files(survey, folder, language):
        links = (
            _link(folder / file, say(language, f"{kind}_file", code=code), say(language, kind))
            for kind, file in files.items()
        )
        rows.append(f"<tr><td>{escape(name)}</td><td>{' · '.join(links)}</td></tr>")
    if not rows:
        return ""
    title = escape(say(language, "start.reports.word"))
    zipped = zip_word_files(survey, folder, language)
    whole = _link(zipped, zipped.name, say(language, "start.reports.zip")) if zipped else ""
    return f"<p><b>{title}</b></p><p>{whole}</p><table>{''.join(rows)}</table>"


def _link(path: Path, name: str, text: str) -> str:
    """Return a link that downloads a file under a name."""
    target = quote(path.as_posix())
    return f'<a download="{escape(name, quote=True)}" href="{target}">{escape(text)}</a>'


def frame_page(place: Path, language: Language) -> str:
    """Return where the page of all reports is, and the page in a frame."""
    text = escape(say(language, "start.reports.open", path=place.as_posix()))
    title = escape(say(language, "start.reports.frame"), quote=True)
    source = f'src="{quote(place.as_posix())}" title="{title}"'
    return f'<p>{text}</p><iframe {source} width="100%" height="{HEIGHT}"></iframe>'


def make_drop_down(widgets: ModuleType, choice: Choice, language: Language) -> "Dropdown":
    """Return the options of a choice, beside its label."""
    words = {"": "undecided" if choice.kind in ("column", "label") else "none"}
    words |= {AS_FOUND: "as_found", NO_ANSWER: "no_answer"}
    names = {option: say(language, f"start.columns.{word}") for option, word in words.items()}
    names |= choice.names
    options = [(names.get(option, option), option) for option in choice.options]
    drop_down: Dropdown = widgets.Dropdown(
        options=options,
        value=choice.value,
        description=choice.label,
        style=LABEL,
        layout=WIDE,
        description_allow_html=False,
    )
    return drop_down


def show_headers(key: Key, drop_down: "Dropdown", draft: Draft, language: Language) -> str:
    """Return the unsure headers of an item as HTML, where its list cannot show them: several.

    Else the text is empty.
    """
    near = {sheet.nearest.get(key[1], "") for sheet in draft.sheets} - {""}
    if drop_down.value != AS_FOUND or key[0] != "item" or not near:
        return ""
    names = "; ".join(f"“{name}”" for name in sorted(near))
    text = say(language, "start.columns.found", names=names)
    return f'<div class="sipas-found">{escape(text)}</div>'


def is_open(choice: Choice, draft: Draft) -> bool:
    """Return whether a person has to choose: what has no proposal, but is needed.

    That is an item, a label, a column, and the unit where not every file is of one unit.
    """
    has_units = draft.has_unit_list and all(sheet.unit for sheet in draft.sheets)
    is_unit = choice.key == ("role", "unit") and not has_units
    return not choice.value and (choice.kind in ("item", "label", "column") or is_unit)


def is_unsure(choice: Choice, draft: Draft) -> bool:
    """Return whether a person has to confirm a proposal: all that step 1 names as unsure."""
    near = {code for sheet in draft.sheets for code in sheet.nearest}
    is_near = choice.kind == "item" and choice.code in near
    return bool(choice.value) and (is_near or choice.kind in ("question", "label"))
