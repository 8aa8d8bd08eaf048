"""Show tables in JupyterLab: readable in its light and dark themes, narrow screens can scroll.

Every rule of the styles begins with our own class, so nothing else on the page changes.
"""

from collections.abc import Sequence
from html import escape

from sipas_analysis.documents.model import Column, Table, render_text
from sipas_analysis.messages import Language

LONG = 28  # letters; a column of longer texts is not made narrower than a few words
STYLES = """
.sipas-view { color: var(--jp-ui-font-color1, inherit); background: transparent;
  font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); text-align: left; }
.sipas-view p { margin: 0 0 4px; max-width: 80ch; color: inherit; }
.sipas-view .sipas-scroll { overflow-x: auto; max-width: 100%; margin: 6px 0 10px; }
.sipas-view table { border-collapse: collapse; border: 0; margin: 0; color: inherit;
  font: inherit; font-variant-numeric: tabular-nums; table-layout: auto; width: auto; }
.sipas-view caption { caption-side: top; text-align: left; font-weight: 600; padding: 0 0 4px;
  color: inherit; }
.sipas-view thead, .sipas-view thead tr, .sipas-view tbody tr,
.sipas-view tbody tr:nth-child(even), .sipas-view tbody tr:nth-child(odd) {
  background: transparent; border: 0; }
.sipas-view tbody th, .sipas-view tbody td, .sipas-view thead th { padding: 3px 10px; border: 0;
  text-align: left; vertical-align: top; background: transparent; color: inherit;
  max-width: 34em; white-space: normal; }
.sipas-view tbody td.sipas-long { min-width: 16em; }
.sipas-view tbody th { font-weight: 400; white-space: nowrap; }
.sipas-view tbody th, .sipas-view tbody td {
  border-bottom: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .35)); }
.sipas-view thead th { font-weight: 600; vertical-align: bottom;
  border-bottom: 1px solid var(--jp-border-color0, rgba(128, 128, 128, .8)); }
.sipas-view tbody tr:hover { background: rgba(128, 128, 128, .14); }
.sipas-view .sipas-scroll table th, .sipas-view .sipas-scroll table td { text-align: left; }
.sipas-view .sipas-scroll table th.sipas-number,
.sipas-view .sipas-scroll table td.sipas-number { text-align: right;
  white-space: nowrap; }
.sipas-view p.sipas-note { color: var(--jp-ui-font-color2, inherit); font-size: 12px; }
"""


def render_view(sentences: Sequence[str], tables: Sequence[Table], language: Language) -> str:
    """Return sentences and tables as a fragment of HTML; every text is escaped."""
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in sentences)
    shown = "".join(_render_table(table, language) for table in tables)
    style = f"<style>{STYLES}</style>"
    return f'<div class="sipas-view" lang="{language}">{style}{paragraphs}{shown}</div>'


def _render_table(table: Table, language: Language) -> str:
    caption = escape(render_text(table.caption, language))
    title = f"<caption>{caption}</caption>" if caption else ""
    heads = "".join(_render_head(column, language) for column in table.columns)
    texts = [[render_text(cell, language) for cell in row] for row in table.rows]
    looks = [
        _choose_class(column, [row[at] for row in texts]) for at, column in enumerate(table.columns)
    ]
    rows = "".join(f"<tr>{_render_cells(table, row, looks)}</tr>" for row in texts)
    notes = "".join(
        f'<p class="sipas-note">{escape(render_text(note, language))}</p>' for note in table.notes
    )
    body = f"<table>{title}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="sipas-scroll" tabindex="0">{body}</div>{notes}'


def _render_head(column: Column, language: Language) -> str:
    side = ' class="sipas-number"' if column.kind == "number" else ""
    return f'<th scope="col"{side}>{escape(render_text(column.label, language))}</th>'


def _choose_class(column: Column, texts: Sequence[str]) -> str:
    """Return the class of the cells of a column, as an attribute."""
    if column.kind == "number":
        return ' class="sipas-number"'
    is_long = max(map(len, texts), default=0) > LONG and column.kind == "text"
    return ' class="sipas-long"' if is_long else ""


def _render_cells(table: Table, row: Sequence[str], looks: Sequence[str]) -> str:
    cells = []
    for column, text, look in zip(table.columns, row, looks, strict=True):
        if column.kind == "row":
            cells.append(f'<th scope="row">{escape(text)}</th>')
        else:
            cells.append(f"<td{look}>{escape(text)}</td>")
    return "".join(cells)
