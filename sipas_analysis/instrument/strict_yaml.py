"""Read a YAML file as text and type it by a strict model; name file and line of each mistake.

Every scalar is read as text, so no guess can misread ``001``, ``no`` or ``2021-04-27``; the
model alone decides their types. Keys given twice and files that expand to more than 100,000
parts (a YAML bomb) are refused.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from sipas_analysis.arguments import find_nearest
from sipas_analysis.errors import ConfigError, FileError, Place, shorten
from sipas_analysis.input_copies import copy_input
from sipas_analysis.messages import LANGUAGES, Language, read_catalogue, say

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
KeyPath = tuple[str, ...]
_PAIR = re.compile(r"\s*(?:- |[^\s:]+:(?:\s|$)|\"[^\"]+\":|'[^']+':|.*:\s*$)")  # key: value
NEAR_KEY = 0.7  # likeness from which a key is proposed for a misspelt one
LEAST_NOTE = 15  # letters of an explanation in a row, without fields
LOOK_BACK = 5  # rows before the one where a parser stops, one of which may be wrong


class Strict(BaseModel):
    """Base of all models: unknown keys refused, values frozen, no NaN."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )


class Bilingual(Strict):
    """One text in Vietnamese and English; empty where no wording is known."""

    vi: str = ""
    en: str = ""

    def text(self, language: str) -> str:
        """Return the text in one language, else in the other one."""
        return (self.vi or self.en) if language == "vi" else (self.en or self.vi)


def _make_bilingual(value: object) -> object:
    """Return a text in two languages; a single text is taken as Vietnamese."""
    return {"vi": value} if isinstance(value, str) else value


def _parse_day(value: object) -> date | None:
    if isinstance(value, date) or value is None:
        return value
    return parse_iso_day(str(value)) if value != "" else None


def parse_iso_day(text: str) -> date:
    """Return the day of a text like 2021-03-15; weeks and days without ``-`` are none.

    Raises:
        ValueError: The text is no such day.
    """
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError(text)
    return day


Statement = Annotated[Bilingual, BeforeValidator(_make_bilingual)]
Day = Annotated[date | None, BeforeValidator(_parse_day)]
Model = TypeVar("Model", bound=Strict)


def read_model(path: Path, model: type[Model]) -> Model:
    """Return the file at ``path`` as a ``model``, checked completely.

    Raises:
        FileError: The file is missing or not UTF-8 text.
        ConfigError: Not YAML, or the model refuses it; every mistake is listed with its line.
    """
    root = _parse_file(path)
    lines: dict[KeyPath, int] = {(): 1}
    content = _unfold_node(root, (), lines, path) if root is not None else {}
    try:
        return model.model_validate(content)
    except ValidationError as error:
        opened = _find_opened(decode_yaml(copy_input(path).read_bytes(), path.name), path.name)
        if opened:
            raise opened from None
        model_keys = sorted(set(_list_keys(model.model_json_schema())))
        mistakes = error.errors()
        parents = {
            mistake["loc"][:depth] for mistake in mistakes for depth in range(len(mistake["loc"]))
        }
        explained = [
            _explain_mistake(mistake, lines, model_keys)
            for mistake in mistakes
            # a list that is too short only because of wrong entries is not a further mistake
            if mistake["type"] != "too_short" or mistake["loc"] not in parents
        ]
        places = [Place(path.name, line) for line, _ in explained]
        sentences = {
            language: " ".join(texts[language] for _, texts in explained) for language in LANGUAGES
        }
        raise ConfigError("config", places, file=path.name, said=sentences) from None


def check_model(facts: Mapping[str, object], model: type[Model]) -> Model:
    """Return facts that a program states as a ``model``.

    Raises:
        ConfigError: The model refuses them; every mistake is listed with its key.
    """
    try:
        return model.model_validate(facts)
    except ValidationError as error:
        mistakes = error.errors()
        sentences = {
            language: "; ".join(
                f"`{'.'.join(map(str, mistake['loc']))}`: {_state_rule(mistake, language)}"
                for mistake in mistakes
            )
            for language in LANGUAGES
        }
        raise ConfigError("facts", said=sentences) from None


def _parse_file(path: Path) -> yaml.Node | None:
    try:
        text = decode_yaml(copy_input(path).read_bytes(), path.name)
        return yaml.compose(text, Loader=_LOADER)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise FileError("file_missing", file=path) from None
    except yaml.YAMLError as error:
        raise _find_opened(text, path.name) or _explain_text(text, error, path.name) from None


def decode_yaml(content: bytes, file: str) -> str:
    """Return the text of a YAML file in UTF-8, or in UTF-16 as Notepad may save it.

    Raises:
        FileError: It is in another code, such as an old one of Windows; nothing is guessed.
    """
    is_wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    try:
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise FileError("yaml_encoding", file=file)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _explain_text(text: str, error: yaml.YAMLError, file: str) -> ConfigError:
    """Return what is wrong with a text that is not YAML, and in which line."""
    lines = text.splitlines() or [""]
    at = _find_row(text, error)
    if at is None:
        pattern = yaml.reader.Reader.NON_PRINTABLE
        rows = [row for row, line in enumerate(lines, 1) if pattern.search(line)]
        return ConfigError("not_yaml_sign", [Place(file, rows[0] if rows else None)])
    for row in range(at, max(at - LOOK_BACK, 0), -1):
        shorter = [*lines[: row - 1], lines[row - 1][1:], *lines[row:]]
        if lines[row - 1].startswith(" ") and _is_read_beyond("\n".join(shorter), at):
            found, is_pair = shorten(lines[row - 1].strip()), _PAIR.match(lines[row - 1])
            message = "not_yaml_blank" if is_pair else "not_yaml_words"
            return ConfigError(message, [Place(file, row)], text=found)
    line = lines[at - 1]
    has_tab = "\t" in line[: len(line) - len(line.lstrip())]
    message = "not_yaml_tab" if has_tab else "not_yaml"
    return ConfigError(message, [Place(file, at)], text=shorten(line.strip()))


def _find_opened(text: str, file: str) -> ConfigError | None:
    """Return the error of lines of explanation of a draft whose # was deleted, if there are any."""
    opened = [
        (row, match[1])
        for row, line in enumerate(text.splitlines(), 1)
        if not line.lstrip().startswith("#") and (match := _compile_notes().search(line))
    ]
    places = [Place(file, row) for row, _ in opened]
    found = shorten(opened[0][1]) if opened else ""
    return ConfigError("not_yaml_note", places, text=found) if opened else None


@cache
def _compile_notes() -> re.Pattern[str]:
    """Return a pattern of the explanations that ``sipas init`` writes, at the end of a line."""
    texts = {
        text
        for language in LANGUAGES
        for name, text in read_catalogue(language).items()
        if name.startswith("draft.")
    }
    parts = [re.split(r"\{\w+\}", text) for text in texts]
    notes = [
        ".*".join(re.escape(part.replace("{{", "{").replace("}}", "}")) for part in found)
        for found in parts
        if len(max(found, key=len)) >= LEAST_NOTE
    ]
    return re.compile(rf"(?:^|  )\s*({'|'.join(sorted(notes))})$")


def _find_row(text: str, error: yaml.YAMLError) -> int | None:
    """Return the row at which a parser stopped, at most the last one; None for a wrong sign."""
    mark = getattr(error, "problem_mark", None)
    return min(mark.line + 1, max(len(text.splitlines()), 1)) if mark else None


def _is_read_beyond(text: str, row: int) -> bool:
    """Return whether a text is YAML, or read beyond a row."""
    try:
        yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        return (_find_row(text, error) or 0) > row
    return True


def _unfold_node(node: yaml.Node, at: KeyPath, lines: dict[KeyPath, int], path: Path) -> object:
    """Turn a node into dicts, lists and text, and store the line of each in ``lines``."""
    lines[at] = node.start_mark.line + 1
    if len(lines) > 100_000 or len(at) > 50:
        raise ConfigError("config_size", file=path.name)
    if isinstance(node, yaml.SequenceNode):
        return [
            _unfold_node(child, (*at, str(position)), lines, path)
            for position, child in enumerate(node.value)
        ]
    if not isinstance(node, yaml.MappingNode):
        return node.value
    mapping: dict[str, object] = {}
    for key, value in node.value:
        place = Place(path.name, key.start_mark.line + 1)
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError("config_key", [place])
        if key.value in mapping:
            raise ConfigError("config_twice", [place], key=key.value)
        mapping[key.value] = _unfold_node(value, (*at, str(key.value)), lines, path)
        lines[(*at, str(key.value))] = key.start_mark.line + 1
    return mapping


def _list_keys(schema: object) -> Iterator[str]:
    """Yield every key that a JSON schema names, at any depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from _list_keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _list_keys(value)


def _explain_mistake(
    mistake: "ErrorDetails", lines: Mapping[KeyPath, int], model_keys: list[str]
) -> tuple[int, dict[Language, str]]:
    """Return the line of a mistake and its sentence in each language."""
    cause = mistake.get("ctx", {}).get("error")
    at = cause.at if isinstance(cause, ConfigError) else ()
    key_path = tuple(str(part) for part in (*mistake["loc"], *at) if part != "[key]")
    depth = next(
        depth for depth in range(len(key_path), -1, -1) if key_path[:depth] in lines or depth == 0
    )
    line = lines[key_path[:depth]]
    key = key_path[-1] if key_path else ""
    other_keys = [model_key for model_key in model_keys if model_key != key]
    close = find_nearest(key, other_keys, NEAR_KEY)
    is_column = "columns" in key_path[-2:-1] and isinstance(mistake["input"], str)
    unknown = "column" if is_column and not close else "misspelt" if close else "unknown"
    part = "items" if key.isupper() else "indicators"
    written = repr(mistake["input"]) if isinstance(mistake["input"], str) else ""
    kinds = {"missing": "missing", "extra_forbidden": unknown}
    other = {"''": "empty", "": "refused"}.get(written, "wrong")
    kind = kinds.get(mistake["type"], other) if key_path else "top"
    fields = {"line": line, "key": ".".join(key_path), "close": close, "found": written}
    fields["pair"] = f'{part}: {{{key}: "{mistake["input"]}"}}'
    return line, {
        language: say(language, f"config.{kind}", why=_state_rule(mistake, language), **fields)
        for language in LANGUAGES
    }


def _state_rule(mistake: "ErrorDetails", language: Language) -> str:
    """Return the broken rule: the sentence of the model, else that of this kind of mistake."""
    context = dict(mistake.get("ctx", {}))
    cause = context.get("error")
    if isinstance(cause, ConfigError):
        return cause.text(language).rstrip(".")
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", ", ")
    message_id = f"why.{mistake['type']}"
    if message_id in read_catalogue(language):
        return say(language, message_id, **context)
    return mistake["msg"]
