"""The page that leads an officer from files to reports, made of widgets (``start.ipynb``).

The page only asks and shows; what happens stands in ``start_steps.py``. Texts are shown as text:
the name of a unit or of a file is never taken for markup.
"""

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING

from sipas_analysis.collect.survey import Survey
from sipas_analysis.desk.start_parts import (
    LABEL,
    STYLE,
    WIDE,
    frame_page,
    is_open,
    link_word_files,
    make_drop_down,
    read_year,
)
from sipas_analysis.desk.start_steps import (
    Answers,
    Line,
    check_wave,
    decide_draft,
    describe_error,
    describe_recognised,
    keep_upload,
    list_answer_files,
    list_lines,
    look_at_files,
    make_reports,
    show_lines,
    write_wave_files,
)
from sipas_analysis.draft.decisions import (
    Key,
    list_choices,
    list_groups,
)
from sipas_analysis.draft.recognised import Draft
from sipas_analysis.draft.wave_text import find_province
from sipas_analysis.errors import SipasError
from sipas_analysis.extras import require_library
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.reports.file_names import FORMATS
from sipas_analysis.sheets.file_kinds import ANSWER_ENDINGS

if TYPE_CHECKING:
    from ipywidgets import HTML, Button, Dropdown, Text, VBox, Widget
    from traitlets import Bunch

FACTS = {"title": "name", "year": "year", "province": "province", "publisher": "publisher"}


class StartPage:
    """Four steps, each a box of widgets: ``files``, ``columns``, ``check``, ``reports``.

    Args:
        folder: Folder of the wave: where ``wave.yaml`` and the results are written.
        language: Language to begin with, ``vi`` or ``en``; the page has a switch.

    Raises:
        LibraryError: ipywidgets is not installed.
    """

    def __init__(self, folder: str = "khao-sat", language: Language = "vi") -> None:
        require_library("ipywidgets")
        import ipywidgets

        self.widgets: ModuleType = ipywidgets
        self.folder, self.language = Path(folder), language
        self.aside = TemporaryDirectory(prefix="sipas-")
        self.uploads: dict[str, Path] = {}
        self.draft: Draft | None = None
        self.survey: Survey | None = None
        self.languages = ipywidgets.ToggleButtons(
            options=[(say(name, "portal.own_name"), name) for name in LANGUAGES], value=language
        )
        self.languages.observe(self._change_language, "value")
        boxes = (ipywidgets.VBox() for _ in range(4))
        self.files, self.columns, self.check, self.reports = boxes
        for box in (self.files, self.columns, self.check, self.reports):
            box.add_class("sipas-start")
        self._show_all()

    def _change_language(self, change: "Bunch") -> None:
        """Show the page in another language, with everything that was typed and chosen."""
        from traitlets import TraitError

        paths, typed, draft = self._paths(), self._list_typed(), None
        self.language = change["new"]
        if self.draft is not None:
            with suppress(SipasError):  # the wave is written by now
                draft = look_at_files(paths, self.folder, self.language)
        self.draft = draft
        self._show_all()
        for (name, trait), value in typed.items():  # groups of units last: they follow the others
            part = self._parts().get((name, trait))
            with suppress(TraitError):  # an option that there is in one language only
                if part is not None:
                    setattr(part, trait, value)
        if draft is not None:
            printed = describe_recognised(draft, self.language)
            self._show(self.seen, [*list_lines(printed, self.language)])

    def _parts(self) -> "dict[tuple[object, str], Widget]":
        """Return each part in which something is typed or chosen, by name and where that stands."""
        values: list[tuple[object, Widget]] = [("place", self.place), ("listed", self.listed)]
        values += [*self.formats.items(), *self.facts.items(), *self.choices.items()]
        values += [("rest", self.rest)] if self.draft is not None else []
        parts: dict[tuple[object, str], Widget] = {(name, "value"): part for name, part in values}
        return parts | {(unit, "index"): part for unit, part in self.groups.items()}

    def _list_typed(self) -> dict[tuple[object, str], object]:
        """Return what is typed or chosen; a title that the page proposed is proposed again."""
        values = {key: getattr(part, key[1]) for key, part in self._parts().items()}
        proposed = self._propose_title()
        return {key: value for key, value in values.items() if value != proposed}

    def _show_all(self) -> None:
        self._show_files()
        self._show_columns()
        self._show_check()
        self._show_reports()

    # ── parts of every step

    def _say(self, message: str, **fields: object) -> str:
        return say(self.language, f"start.{message}", **fields)

    def _title(self, step: str) -> "HTML":
        title, text = escape(self._say(f"{step}.title")), escape(self._say(f"{step}.text"))
        return self.widgets.HTML(f"<style>{STYLE}</style><h3>{title}</h3><p>{text}</p>")

    def _button(self, message: str, act: Callable[[], None], out: "HTML") -> "Button":
        """Return a button; while it acts it is off, and an error is shown as a paragraph."""
        button = self.widgets.Button(
            description=self._say(message), layout={"width": "max-content"}, button_style="primary"
        )
        button.add_class(f"sipas-{message.replace('.', '-')}")

        def click(_: object) -> None:
            button.disabled, out.value = True, escape(self._say("working"))
            try:
                out.value = ""
                act()
            except Exception as error:
                self._show(out, describe_error(error, self.language))
            finally:
                button.disabled = False

        button.on_click(click)
        return button

    def _show(self, out: "HTML", lines: list[Line]) -> None:
        out.value = show_lines(lines, self.language)

    # ── 1. files

    def _show_files(self) -> None:
        kinds = ",".join((*ANSWER_ENDINGS, ".csv"))
        known = [path.as_posix() for path in list_answer_files(Path())]
        self.place = self.widgets.Text(
            self.folder.as_posix(), description=self._say("files.folder"), style=LABEL, layout=WIDE
        )
        is_one_folder = len({Path(name).parent for name in known}) == 1
        self.listed = self.widgets.SelectMultiple(
            options=known,
            value=known if is_one_folder else (),
            rows=min(8, max(3, len(known))),
            layout=WIDE,
        )
        self.upload = self.widgets.FileUpload(
            accept=kinds, multiple=True, description=self._say("files.upload")
        )
        self.upload.observe(self._keep_uploads, "value")
        self.uploaded, self.seen = self.widgets.HTML(), self.widgets.HTML()
        look = self._button("files.look", self._look, self.seen)
        parts = [self.languages, self._title("files"), self.place, self.listed, self.upload]
        self.files.children = [*parts, self.uploaded, look, self.seen]
        self._list_uploads()

    def _keep_uploads(self, change: "Bunch") -> None:
        for file in change["new"]:
            path = keep_upload(file["name"], bytes(file["content"]), Path(self.aside.name))
            self.uploads[path.name] = path
        self._list_uploads()

    def _list_uploads(self) -> None:
        names = "; ".join(self.uploads)
        self.uploaded.value = escape(self._say("files.uploaded", names=names)) if names else ""

    def _paths(self) -> list[Path]:
        return [*map(Path, self.listed.value), *self.uploads.values()]

    def _look(self) -> None:
        self.folder = Path(self.place.value or ".")
        if (self.folder / "wave.yaml").exists():
            self._show(self.seen, [Line(self._say("files.has_wave", path=self.folder))])
            return
        if not self._paths():
            self._show(self.seen, [Line(self._say("files.none"), "warning")])
            return
        self.draft = look_at_files(self._paths(), self.folder, self.language)
        printed = describe_recognised(self.draft, self.language)
        self._show(self.seen, [*list_lines(printed, self.language)])
        self._show_columns()

    # ── 2. columns

    def _show_columns(self) -> None:
        self.choices: dict[Key, Dropdown] = {}
        self.groups: dict[str, Dropdown] = {}
        self.facts: dict[str, Text] = {}
        if self.draft is None:
            is_written = (self.folder / "wave.yaml").exists()
            text = self._say("files.has_wave" if is_written else "columns.later", path=self.folder)
            later = self.widgets.HTML(escape(text))
            self.columns.children = [self._title("columns"), later]
            return
        choices, out = list_choices(self.draft), self.widgets.HTML()
        for choice in choices:
            self.choices[choice.key] = make_drop_down(self.widgets, choice, self.language)
        open_keys = {choice.key for choice in choices if is_open(choice)}
        known_keys = self.choices.keys() - open_keys
        title = self._say("columns.known", n=len(known_keys))
        known = self.widgets.VBox(self._fold_choices(known_keys))
        folded = self.widgets.Accordion([known], titles=(title,))
        self.unit_groups = self.widgets.VBox()
        self.choices["role", "unit"].observe(lambda _: self._show_groups(), "value")
        self._show_groups()
        self.rest = self.widgets.Checkbox(
            description=self._say("columns.rest"), indent=False, layout=WIDE
        )
        write = self._button("columns.write", lambda: self._write(out), out)
        facts = self._ask_facts(self.draft)
        parts = [self._title("columns"), *facts, *self._fold_choices(open_keys)]
        parts += [self.unit_groups, folded, self.rest, write, out]
        self.columns.children = parts

    def _fold_choices(self, keys: Collection[Key]) -> "list[VBox]":
        """Return some choices, those of one kind together under their title."""
        boxes = []
        for kind in dict.fromkeys(of_kind for of_kind, _ in self.choices):
            title = self.widgets.HTML(f"<b>{escape(self._say(f'columns.{kind}'))}</b>")
            parts = [self.choices[key] for key in self.choices if key[0] == kind and key in keys]
            boxes += [self.widgets.VBox([title, *parts])] if parts else []
        return boxes

    def _ask_facts(self, draft: Draft) -> "list[Widget]":
        """Return the fields for title, year, province and publisher."""
        values = {"year": str(draft.year or ""), "title": self._propose_title()}
        values["province"] = find_province(draft)
        for name, message in FACTS.items():
            self.facts[name] = self.widgets.Text(
                values.get(name, ""),
                description=self._say(f"columns.{message}"),
                style=LABEL,
                layout=WIDE,
            )
            self.facts[name].add_class(f"sipas-fact-{name}")
        return [*self.facts.values()]

    def _propose_title(self) -> str:
        """Return a title of the wave, if its year is known from the files."""
        year = self.draft.year if self.draft else None
        return self._say("columns.proposed", year=str(year)) if year else ""

    def _show_groups(self) -> None:
        """Show a drop-down for each unit whose group is not known."""
        assert self.draft is not None
        draft = decide_draft(self.draft, self._answers())
        title = self.widgets.HTML(f"<b>{escape(self._say('columns.groups'))}</b>")
        options = [(self._say("columns.none"), ""), *((name, name) for name in list_groups(draft))]
        self.groups = {
            unit: self.widgets.Dropdown(
                options=options, value="", description=unit, style=LABEL, layout=WIDE
            )
            for unit in draft.units_to_place
        }
        self.unit_groups.children = [title, *self.groups.values()] if self.groups else []

    def _answers(self) -> Answers:
        """Return what is filled in."""
        facts: dict[str, object] = {}
        for name, part in self.facts.items():
            text = part.value.strip()
            if text:
                facts[name] = read_year(text) if name == "year" else {self.language: text}
        columns = {key: part.value for key, part in self.choices.items()}
        groups = {unit: part.value for unit, part in self.groups.items() if part.value}
        rest = bool(getattr(self, "rest", None) and self.rest.value)
        return Answers(columns, facts, groups, rest)

    def _list_empty(self) -> list[str]:
        """Return what must be filled in before a wave can be read: title, year, groups."""
        needed = [self.facts["title"], self.facts["year"], *self.groups.values()]
        return [part.description for part in needed if not part.value.strip()]

    def _write(self, out: "HTML") -> None:
        if empty := self._list_empty():
            text = self._say("columns.needed", names="; ".join(empty))
            self._show(out, [Line(text, "warning")])
            return
        draft = write_wave_files(self._paths(), self.folder, self.language, self._answers())
        sentences = [say(self.language, "cli.said.wrote", path=path) for path in draft.written]
        self._show(out, [Line(text) for text in sentences])

    # ── 3. check

    def _show_check(self) -> None:
        out = self.widgets.HTML()
        button = self._button("check.check", lambda: self._check(out), out)
        self.check.children = [self._title("check"), button, out]

    def _check(self, out: "HTML") -> None:
        self.survey = None
        try:
            self.survey, printed = check_wave(self.folder, self.language)
        except SipasError as error:  # the copies are read, not the files that were chosen
            where = Line(self._say("check.where", path=self.folder.as_posix()))
            self._show(out, [*describe_error(error, self.language), where])
            return
        self._show(out, [*list_lines(printed, self.language), Line(self._say("check.done"))])

    # ── 4. reports

    def _show_reports(self) -> None:
        out = self.widgets.HTML()
        self.formats = {
            name: self.widgets.Checkbox(
                name in ("html", "docx"), description=name, indent=False, layout={"width": "5rem"}
            )
            for name in FORMATS
        }
        self.bar = self.widgets.IntProgress(0, 0, 1, layout={**WIDE, "visibility": "hidden"})
        self.opened = self.widgets.Output()  # JupyterLab finds files of an output, not of a widget
        button = self._button("reports.run", lambda: self._run(out), out)
        formats = self.widgets.HBox([*self.formats.values()])
        parts = [self._title("reports"), formats, button, self.bar, out, self.opened]
        self.reports.children = parts

    def _run(self, out: "HTML") -> None:
        if self.survey is None:
            self.survey, _ = check_wave(self.folder, self.language)
        self.bar.layout.visibility = "visible"
        formats = [name for name, box in self.formats.items() if box.value]
        path, printed = make_reports(
            self.survey, ["html", *formats], self.language, self._show_progress
        )
        self._show(out, [*list_lines(printed, self.language)])
        self._open(path)

    def _show_progress(self, done: int, total: int) -> None:
        self.bar.max, self.bar.value = max(total, 1), done if total else 1

    def _open(self, path: Path) -> None:
        """Show links to letters and reports in Word, the page of all reports, and its place."""
        from IPython.display import HTML

        assert self.survey is not None
        place = Path(os.path.relpath(path))
        links = link_word_files(self.survey, place.parent, self.language)
        page = links + frame_page(place, self.language)
        self.opened.outputs = ()
        self.opened.append_display_data(HTML(page))  # type: ignore[no-untyped-call]
