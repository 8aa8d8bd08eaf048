"""The second step of the page that leads an officer: what each column is, and facts of the wave."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from html import escape
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sipas_analysis.desk.start_facts import FOLDED, NEEDED, SHOWN, list_wrong, read_facts
from sipas_analysis.desk.start_parts import (
    LABEL,
    WIDE,
    is_open,
    is_unsure,
    make_drop_down,
    show_headers,
)
from sipas_analysis.desk.start_steps import Answers, Line, decide_draft, show_lines
from sipas_analysis.draft.decisions import Key, list_choices, list_groups
from sipas_analysis.draft.recognised import Draft
from sipas_analysis.draft.wave_text import find_province
from sipas_analysis.messages import Language, say

if TYPE_CHECKING:
    from ipywidgets import HTML, Accordion, Dropdown, Text, VBox, Widget

Typed = Mapping[tuple[object, str], object]  # what was typed or chosen, by name and where it stands


class ColumnStep:
    """Widgets of the second step; what is typed and chosen in them is ``answers``.

    Attributes:
        draft: What was recognised in the files, if they were looked at.
        columns: The box of the step.
    """

    widgets: ModuleType
    language: Language
    draft: Draft | None
    folder: Path
    columns: "VBox"

    def _say(self, message: str, **fields: object) -> str:
        return say(self.language, f"start.{message}", **fields)

    def _show_parts(self, title: "HTML", write: "Widget", out: "HTML") -> None:
        """Show facts, lists to choose from, groups, proposals, and folded what is known."""
        assert self.draft is not None
        self.choices: dict[Key, Dropdown] = {}
        self.groups: dict[str, Dropdown] = {}
        self.facts: dict[str, Text] = {}
        choices = list_choices(self.draft)
        for choice in choices:
            self.choices[choice.key] = make_drop_down(self.widgets, choice, self.language)
        open_keys = {choice.key for choice in choices if is_open(choice, self.draft)}
        unsure_keys = {choice.key for choice in choices if is_unsure(choice, self.draft)}
        known_keys = self.choices.keys() - open_keys - unsure_keys
        unsure = self._fold("columns.unsure", self._list_boxes(unsure_keys), n=len(unsure_keys))
        unsure.selected_index = 0  # not folded
        known = self._fold("columns.known", self._list_boxes(known_keys), n=len(known_keys))
        self.unit_groups, self.left = self.widgets.VBox(), self.widgets.HTML()
        self.rest = self.widgets.Checkbox(
            description=self._say("columns.rest"), indent=False, layout=WIDE
        )
        facts = self._ask_facts(self.draft)
        parts = [title, *facts, *self._list_boxes(open_keys), self.unit_groups]
        parts += [unsure, known] if unsure_keys else [known]
        self.columns.children = [*parts, self.rest, self.left, write, out]
        for part in (*self.choices.values(), self.rest):
            part.observe(lambda _: self._follow(), "value")
        self.is_waiting = False
        self._follow()
        self.proposed = {key: getattr(part, key[1]) for key, part in self._column_parts().items()}

    def _column_parts(self) -> "dict[tuple[object, str], Widget]":
        """Return each part of the step in which something is typed or chosen; groups last."""
        if self.draft is None:
            return {}
        named: list[tuple[object, Widget]] = [*self.facts.items(), *self.choices.items()]
        parts = {(name, "value"): part for name, part in [*named, ("rest", self.rest)]}
        return parts | {(unit, "index"): part for unit, part in self.groups.items()}

    def _list_changed(self) -> dict[tuple[object, str], object]:
        """Return what was typed or chosen, without what the page proposed."""
        values = {key: getattr(part, key[1]) for key, part in self._column_parts().items()}
        return {key: value for key, value in values.items() if value != self.proposed.get(key, 0)}

    def _restore(self, typed: Typed, parts: "Mapping[tuple[object, str], Widget]") -> None:
        """Type and choose again what there is a place and an option for."""
        from traitlets import TraitError

        for key, value in typed.items():
            with suppress(TraitError):  # an option that there is not any more
                if key in parts:
                    setattr(parts[key], key[1], value)

    def _restore_columns(self, typed: Typed) -> None:
        """Restore the step; the groups of units last, since they follow the other choices."""
        if self.draft is None:
            return
        self.is_waiting = True
        self._restore(typed, self._column_parts())
        self.is_waiting = False
        self._follow()
        self._restore(typed, {(unit, "index"): part for unit, part in self.groups.items()})

    def _fold(self, message: str, parts: "Collection[Widget]", **fields: object) -> "Accordion":
        """Return some parts folded under a title."""
        box = self.widgets.VBox([*parts])
        folded: Accordion = self.widgets.Accordion([box], titles=(self._say(message, **fields),))
        return folded

    def _list_boxes(self, keys: Collection[Key]) -> "list[VBox]":
        """Return some choices, those of one kind together under their title."""
        boxes = []
        for kind in dict.fromkeys(of_kind for of_kind, _ in self.choices):
            title = self.widgets.HTML(f"<b>{escape(self._say(f'columns.{kind}'))}</b>")
            parts = [
                part
                for key in self.choices
                if key[0] == kind and key in keys
                for part in self._list_parts(key)
            ]
            boxes += [self.widgets.VBox([title, *parts])] if parts else []
        return boxes

    def _list_parts(self, key: Key) -> "list[Widget]":
        """Return the list of a choice, with the headers below it that it cannot show."""
        assert self.draft is not None
        found = show_headers(key, self.choices[key], self.draft, self.language)
        return [self.choices[key], *([self.widgets.HTML(found)] if found else [])]

    def _ask_facts(self, draft: Draft) -> "list[Widget]":
        """Return the fields for title, year, place and days; folded, decision and targets."""
        year = draft.year
        values = {"year": str(year or ""), "province": find_province(draft)}
        values["title"] = self._say("columns.proposed", year=str(year)) if year else ""
        for name in (*SHOWN, *FOLDED):
            self.facts[name] = self.widgets.Text(
                values.get(name, ""),
                description=self._say(f"fact.{name}"),
                style=LABEL,
                layout=WIDE,
            )
            self.facts[name].add_class(f"sipas-fact-{name}")
        folded = self._fold("columns.more", [self.facts[name] for name in FOLDED])
        return [*(self.facts[name] for name in SHOWN), folded]

    def _follow(self) -> None:
        """Show what follows from the choices: units to place, columns and items that are left."""
        if self.is_waiting:
            return
        assert self.draft is not None
        answers = replace(self._answers(), groups={})  # a unit that was placed keeps its list
        decided = decide_draft(self.draft, answers)
        self._show_groups(decided)
        lines = [Line(text) for text in self._list_left(decided)]
        self.left.value = show_lines(lines, self.language) if lines else ""

    def _list_left(self, decided: Draft) -> list[str]:
        """Return what is to be said of columns and items for which nothing is chosen."""
        columns, missing = self._list_unplaced(decided), decided.list_missing()
        items = [f"{code}. {decided.pack.items[code].text(self.language)}" for code in missing]
        lines = [self._say("columns.left", names="; ".join(columns))] if columns else []
        if items:
            lines.append(self._say("columns.missing", n=len(items), names="; ".join(items)))
        near = decided.near_units.items()
        return lines + [decided.say("near_unit", name=name, near=other) for name, other in near]

    def _list_unplaced(self, decided: Draft) -> list[str]:
        """Return the columns for which nothing is chosen, unless the rest is not to be read."""
        return [] if self.rest.value else decided.list_left("unknown")

    def _show_groups(self, decided: Draft) -> None:
        """Show a drop-down for each unit whose group is not known."""
        units = decided.units_to_place
        if [*self.groups] == units:
            return
        title = self.widgets.HTML(f"<b>{escape(self._say('columns.groups'))}</b>")
        names = list_groups(decided)
        options = [(self._say("columns.undecided"), ""), *((name, name) for name in names)]
        before = {unit: part.value for unit, part in self.groups.items()}
        self.groups = {
            unit: self.widgets.Dropdown(
                options=options,
                value=before.get(unit, ""),
                description=unit,
                style=LABEL,
                layout=WIDE,
                description_allow_html=False,
            )
            for unit in units
        }
        self.unit_groups.children = [title, *self.groups.values()] if self.groups else []

    def _answers(self) -> Answers:
        """Return what is filled in."""
        texts = {name: part.value for name, part in self.facts.items()}
        columns = {key: part.value for key, part in self.choices.items()}
        groups = {unit: part.value for unit, part in self.groups.items() if part.value}
        return Answers(columns, read_facts(texts, self.language), groups, self.rest.value)

    def _list_faults(self) -> list[str]:
        """Return what must be mended before a wave is written: facts, groups, columns."""
        assert self.draft is not None
        texts = {name: part.value for name, part in self.facts.items()}
        needed = [*(self.facts[name] for name in NEEDED), *self.groups.values()]
        empty = [part.description for part in needed if not part.value.strip()]
        wrong = [self.facts[name].description for name in list_wrong(texts)]
        unplaced = self._list_unplaced(decide_draft(self.draft, self._answers()))
        faults = {"needed": empty, "wrong": wrong, "unplaced": unplaced}
        return [
            self._say(f"columns.{message}", names="; ".join(names))
            for message, names in faults.items()
            if names
        ]
