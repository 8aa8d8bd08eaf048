"""The page that leads an officer from files to reports, made of widgets (``start.ipynb``).

The page only asks and shows; what happens stands in ``start_steps.py``. Texts are shown as text:
the name of a unit or of a file is never taken for markup.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING

from sipas_analysis.collect.survey import Survey
from sipas_analysis.desk.start_columns import ColumnStep
from sipas_analysis.desk.start_parts import (
    LABEL,
    STYLE,
    WIDE,
    frame_page,
    link_word_files,
    show_working,
)
from sipas_analysis.desk.start_steps import (
    DRAFT_FILES,
    Line,
    check_wave,
    describe_error,
    describe_open_units,
    describe_recognised,
    keep_upload,
    list_answer_files,
    list_edited,
    list_lines,
    look_at_files,
    make_reports,
    show_lines,
    write_wave_files,
)
from sipas_analysis.draft.recognised import Draft
from sipas_analysis.errors import SipasError
from sipas_analysis.extras import require_library
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.reports.file_names import FORMATS
from sipas_analysis.sheets.file_kinds import ANSWER_ENDINGS

if TYPE_CHECKING:
    from ipywidgets import HTML, Button, Widget
    from traitlets import Bunch


class StartPage(ColumnStep):
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
        self.own: dict[Path, str] = {}
        self.draft: Draft | None = None
        self.survey: Survey | None = None
        self.languages = ipywidgets.ToggleButtons(
            options=[(say(name, "portal.own_name"), name) for name in LANGUAGES], value=language
        )
        self.languages.observe(self._change_language, "value")
        self.buttons: dict[str, Button] = {}
        self.said = {step: ipywidgets.HTML() for step in ("columns", "check", "reports")}
        boxes = (ipywidgets.VBox() for _ in range(4))
        self.files, self.columns, self.check, self.reports = boxes
        for box in (self.files, self.columns, self.check, self.reports):
            box.add_class("sipas-start")
        self._show_all()

    def _change_language(self, change: "Bunch") -> None:
        """Show the page in another language, with everything that was typed and chosen."""
        paths, draft, folder = self._paths(), None, self.place.value
        columns = self._list_changed()
        typed = {key: getattr(part, key[1]) for key, part in self._other_parts().items()}
        self.language = change["new"]
        if self.draft is not None:
            with suppress(SipasError):  # the wave is there by now, and another's
                draft = look_at_files(paths, self.folder, self.language, self.own)
        self.draft = draft
        self._show_all()
        self._restore(typed, self._other_parts())
        self._restore_columns(columns)
        self.folder = Path(folder or ".")
        if draft is not None:
            printed = describe_recognised(draft, self.language)
            self._show(self.seen, [*list_lines(printed, self.language)])

    def _other_parts(self) -> "dict[tuple[object, str], Widget]":
        """Return the parts of the first and the last step in which something is chosen."""
        named = [("place", self.place), ("listed", self.listed), *self.formats.items()]
        return {(name, "value"): part for name, part in named}

    def _show_all(self) -> None:
        for said in self.said.values():
            said.value = ""
        self._show_files()
        self._show_columns()
        self._show_check()
        self._show_reports()

    # ── parts of every step

    def _title(self, step: str) -> "HTML":
        title, text = escape(self._say(f"{step}.title")), escape(self._say(f"{step}.text"))
        return self.widgets.HTML(f"<style>{STYLE}</style><h3>{title}</h3><p>{text}</p>")

    def _button(self, message: str, act: Callable[[], None], out: "HTML") -> "Button":
        """Return a button that does something, with its result or an error in a box."""
        button: Button = self.widgets.Button(
            description=self._say(message), layout={"width": "max-content"}, button_style="primary"
        )
        button.add_class(f"sipas-{message.replace('.', '-')}")
        button.on_click(lambda _: self._work(message, act, out))
        self.buttons[message] = button
        return button

    def _work(self, message: str, act: Callable[[], None], out: "HTML") -> None:
        """Do what a button is for; meanwhile all buttons are off and say what is being done.

        A click that came before they were off waits in the kernel, and is done afterwards.
        """
        out.value = working = show_working(self._say(f"{message}_now"))
        for button in self.buttons.values():
            button.disabled, button.description = True, self._say(f"{message}_now")
        try:
            act()
        except Exception as error:
            self._show(out, self._describe_error(error, message))
        finally:
            out.value = "" if out.value == working else out.value
            self.bar.layout.visibility = "hidden"
            for name, button in self.buttons.items():
                button.disabled, button.description = False, self._say(name)

    def _is_missing(self, step: str) -> bool:
        """Return whether no wave is written yet; then say what to do."""
        if (self.folder / "wave.yaml").exists():
            return False
        text = self._say("check.later", path=self.folder.as_posix())
        self._show(self.said[step], [Line(text, "warning")])
        return True

    def _describe_error(self, error: Exception, message: str) -> list[Line]:
        """Return an error; of what was read in the folder of the wave with where to correct it."""
        lines = describe_error(error, self.language)
        if not isinstance(error, SipasError) or message not in ("check.check", "reports.run"):
            return lines
        where = Line(self._say("check.where", path=self.folder.as_posix()))
        return [*lines, where, *self._describe_edit(lines)]

    def _describe_edit(self, lines: Sequence[Line]) -> list[Line]:
        """Return how the files of the wave are edited, where lines say so or step 2 is closed."""
        is_named = any(name in line.text for line in lines for name in DRAFT_FILES)
        is_closed = bool(list_edited(self.folder, self.own))
        if not is_named and not is_closed:
            return []
        message = "check.closed" if is_closed else "check.edit"
        return [Line(self._say(message, path=self.folder.as_posix()))]

    def _show(self, out: "HTML", lines: Sequence[Line]) -> None:
        out.value = show_lines(lines, self.language)

    def _clear(self, *steps: str) -> None:
        """Clear what is said in steps, since it is of another wave or of other forms."""
        for step in steps:
            self.said[step].value = ""
        if "reports" in steps:
            self.opened.outputs = ()

    # ── 1. files

    def _show_files(self) -> None:
        kinds = ",".join((*ANSWER_ENDINGS, ".csv"))
        known = [path.as_posix() for path in list_answer_files(Path())]
        self.place = self.widgets.Text(
            self.folder.as_posix(), description=self._say("files.folder"), style=LABEL, layout=WIDE
        )
        is_one_folder = len({Path(name).parent for name in known}) == 1
        self.place.observe(self._change_folder, "value")
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
        if not known:
            text = self._say("files.empty", path=Path().resolve())
            parts.insert(3, self.widgets.HTML(f"<p>{escape(text)}</p>"))
        self.files.children = [*parts, self.uploaded, look, self.seen]
        self._list_uploads()

    def _change_folder(self, change: "Bunch") -> None:
        """Take another folder for the wave at once; what was typed and chosen stays."""
        self.folder, self.survey = Path(change["new"] or "."), None
        self._clear("columns", "check", "reports")

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
        if list_edited(self.folder, self.own):
            self._show(self.seen, [Line(self._say("files.has_wave", path=self.folder))])
            return
        if not self._paths():
            self._show(self.seen, [Line(self._say("files.none"), "warning")])
            return
        typed = self._list_changed()
        self.draft = look_at_files(self._paths(), self.folder, self.language, self.own)
        printed = describe_recognised(self.draft, self.language)
        self._show(self.seen, [*list_lines(printed, self.language)])
        self._show_columns()
        self._restore_columns(typed)

    # ── 2. columns

    def _show_columns(self) -> None:
        if self.draft is None:
            is_written = (self.folder / "wave.yaml").exists()
            text = self._say("files.has_wave" if is_written else "columns.later", path=self.folder)
            later = self.widgets.HTML(escape(text))
            self.columns.children = [self._title("columns"), later]
            return
        write = self._button("columns.write", self._write, self.said["columns"])
        self._show_parts(self._title("columns"), write, self.said["columns"])

    def _write(self) -> None:
        """Write the wave, if all is filled in; what was said of the wave before is cleared."""
        out = self.said["columns"]
        if faults := self._list_faults():
            lines = [*faults, self._say("columns.nothing_written")]
            self._show(out, [Line(text, "warning") for text in lines])
            return
        answers = self._answers()
        draft = write_wave_files(self._paths(), self.folder, self.language, answers, self.own)
        sentences = [say(self.language, "cli.said.wrote", path=path) for path in draft.written]
        self._show(out, [*map(Line, sentences), Line(self._say("columns.next"))])
        self.survey = None
        self._clear("check", "reports")

    # ── 3. check

    def _show_check(self) -> None:
        out = self.said["check"]
        button = self._button("check.check", self._check, out)
        self.check.children = [self._title("check"), button, out]

    def _check(self) -> None:
        """Check the wave; what was made of other forms is cleared."""
        if self._is_missing("check"):
            return
        before = self.survey.input_hashes if self.survey else {}
        self.survey = None
        try:
            self.survey, printed = check_wave(self.folder, self.language)
        finally:
            if self.survey is None or self.survey.input_hashes != before:
                self._clear("reports")
        lines = [*list_lines(printed, self.language)]
        units = describe_open_units(self.survey, self.language)
        last = [*units, self._say("check.but" if units else "check.done")]
        lines += [*self._describe_edit(lines), *map(Line, last)]
        self._show(self.said["check"], lines)

    # ── 4. reports

    def _show_reports(self) -> None:
        out = self.said["reports"]
        self.formats = {
            name: self.widgets.Checkbox(
                name in ("html", "docx"), description=name, indent=False, layout={"width": "5rem"}
            )
            for name in FORMATS
        }
        self.bar = self.widgets.IntProgress(0, 0, 1, layout={**WIDE, "visibility": "hidden"})
        self.bar.add_class("sipas-bar")
        self.opened = self.widgets.Output()  # JupyterLab finds files of an output, not of a widget
        button = self._button("reports.run", self._run, out)
        formats = self.widgets.HBox([*self.formats.values()])
        parts = [self._title("reports"), formats, button, self.bar, out, self.opened]
        self.reports.children = parts

    def _run(self) -> None:
        """Make the reports; where nothing was checked, the wave is read before."""
        if self._is_missing("reports"):
            return
        self.opened.outputs = ()
        self.bar.value, self.bar.layout.visibility = 0, "visible"
        if self.survey is None:
            self.survey, _ = check_wave(self.folder, self.language)
        formats = [name for name, box in self.formats.items() if box.value]
        path, printed = make_reports(
            self.survey, ["html", *formats], self.language, self._show_progress
        )
        self._show(self.said["reports"], [*list_lines(printed, self.language)])
        self._open(path)

    def _show_progress(self, done: int, total: int) -> None:
        """Show how many reports are made, as a bar and in words."""
        self.bar.max, self.bar.value = max(total, 1), done if total else 1
        text = self._say("reports.progress" if done else "reports.figures", done=done, total=total)
        self.said["reports"].value = show_working(text)

    def _open(self, path: Path) -> None:
        """Show links to letters and reports in Word, the page of all reports, and its place."""
        from IPython.display import HTML

        assert self.survey is not None
        place = Path(os.path.relpath(path))
        links = link_word_files(self.survey, place.parent, self.language)
        page = links + frame_page(place, self.language)
        self.opened.append_display_data(HTML(page))  # type: ignore[no-untyped-call]
