"""Read a YAML file as text and type it by a strict model; name file and line of each mistake.

Every scalar is read as text, so ``001``, ``no`` and ``2021-04-27`` cannot be guessed wrong;
the model alone decides what they are. Keys given twice and files that unfold to more than
100,000 parts (a YAML bomb) are refused.
"""

import difflib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from sipas_analysis.errors import ConfigError, FileError, Place
from sipas_analysis.messages import LANGUAGES, Language, catalogue, say

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


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


def _iso_day(value: object) -> date | None:
    if isinstance(value, date) or value is None:
        return value
    return date.fromisoformat(str(value)) if value != "" else None


Day = Annotated[date | None, BeforeValidator(_iso_day)]
Model = TypeVar("Model", bound=Strict)


def read_model(path: Path, model: type[Model]) -> Model:
    """Return the file at ``path`` as a ``model``, checked whole.

    Raises:
        FileError: The file is missing or not UTF-8 text.
        ConfigError: Not YAML, or the model refuses it; every mistake is listed with its line.
    """
    root = _compose(path)
    lines: dict[tuple[str, ...], int] = {(): 1}
    data = _plain(root, (), lines, path) if root is not None else {}
    try:
        return model.model_validate(data)
    except ValidationError as error:
        known = sorted(set(_keys(model.model_json_schema())))
        wrong: list[dict[str, Any]] = [{**one} for one in error.errors()]
        inside = {one["loc"][:-1] for one in wrong}  # a list emptied by its own wrong entries
        asked = [one for one in wrong if one["type"] != "too_short" or one["loc"] not in inside]
        found = [_explain(one, lines, known) for one in asked]
        places = [Place(path.name, line) for line, _ in found]
        said = {lang: " ".join(texts[lang] for _, texts in found) for lang in LANGUAGES}
        raise ConfigError("config", places, file=path.name, said=said) from None


def _compose(path: Path) -> yaml.Node | None:
    try:
        text = path.read_text("utf-8-sig")
        return yaml.compose(text, Loader=_LOADER)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise FileError("file_missing", file=path) from None
    except UnicodeDecodeError:
        raise FileError("file_encoding", file=path) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(path.name, mark.line + 1 if mark else None)
        why = getattr(error, "problem", str(error).splitlines()[0])
        raise ConfigError("not_yaml", [place], why=why) from None


def _plain(
    node: yaml.Node, at: tuple[str, ...], lines: dict[tuple[str, ...], int], path: Path
) -> object:
    """Turn a node into dicts, lists and text, noting the line of each."""
    lines[at] = node.start_mark.line + 1
    if len(lines) > 100_000 or len(at) > 50:
        raise ConfigError("config_size", file=path.name)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*at, str(i)), lines, path) for i, one in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return node.value
    found: dict[str, object] = {}
    for key, value in node.value:
        place = Place(path.name, key.start_mark.line + 1)
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError("config_key", [place])
        if key.value in found:
            raise ConfigError("config_twice", [place], key=key.value)
        found[key.value] = _plain(value, (*at, str(key.value)), lines, path)
        lines[(*at, str(key.value))] = key.start_mark.line + 1
    return found


def _keys(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from _keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keys(value)


def _explain(
    error: dict[str, Any], lines: dict[tuple[str, ...], int], known: list[str]
) -> tuple[int, dict[Language, str]]:
    """Return the line of a mistake and its sentence in each language."""
    cause = error.get("ctx", {}).get("error")
    at = cause.at if isinstance(cause, ConfigError) else ()
    loc = tuple(str(part) for part in (*error["loc"], *at) if part != "[key]")
    line = next(lines[loc[:k]] for k in range(len(loc), -1, -1) if loc[:k] in lines or k == 0)
    key = loc[-1] if loc else ""
    close = difflib.get_close_matches(key, [it for it in known if it != key], n=1, cutoff=0.6)
    found = repr(error["input"]) if isinstance(error["input"], str) else ""
    kinds = {"missing": "missing", "extra_forbidden": "misspelt" if close else "unknown"}
    kind = kinds.get(error["type"], "wrong" if found else "refused") if loc else "top"
    fields = {"line": line, "key": ".".join(loc), "close": "".join(close), "found": found}
    return line, {it: say(it, f"config.{kind}", why=_why(error, it), **fields) for it in LANGUAGES}


def _why(error: dict[str, Any], language: Language) -> str:
    """Return what must hold: the model's own sentence, else ours for this kind of mistake."""
    context = dict(error.get("ctx", {}))
    if isinstance(context.get("error"), ConfigError):
        return str(context["error"].text(language)).rstrip(".")
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", ", ")
    known = f"why.{error['type']}" in catalogue(language)
    return say(language, f"why.{error['type']}", **context) if known else str(error["msg"])
