"""The files that describe an archive: how to check it, its crate, and where its inputs are."""

import json
import posixpath
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.proof.program import Facts
from sipas_analysis.proof.receipt import check_below
from sipas_analysis.proof.receipt_page import STEM
from sipas_analysis.proof.ro_crate import CRATE, make_crate

OUTPUTS, INPUTS, PROGRAM = "outputs", "inputs", "program"
PLACES = "inputs.json"  # which file of the inputs has which name in the receipt
HERE, DEEPEST = "this-wave", 3  # folder of the wave if inputs are above it; most levels


def held_outputs(facts: Facts, *, public: bool) -> dict[str, str]:
    """Return the outputs that an archive contains, with their hash."""
    hashes: dict[str, str] = facts["outputs"]
    published = ("tables/", f"{STEM}.")
    return {name: sha for name, sha in hashes.items() if not public or name.startswith(published)}


def read_places(folder: Path, facts: Facts) -> dict[str, str]:
    """Return where each input is in an unpacked archive, by its name in the receipt."""
    names = [row["file"] for row in facts["inputs"]]
    home = find_deep_folder(names)  # of archives without the list, whose names were paths
    places = {name: posixpath.normpath(f"{home}/{name}") for name in names}
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        listed = json.loads((folder / PLACES).read_text("utf-8"))
        places |= {name: check_below(listed[name]) for name in names if name in listed}
    return places


def find_deep_folder(names: Iterable[str]) -> str:
    """Return a folder as many levels down as the names lead up."""
    levels = max((posixpath.normpath(name).split("/").count("..") for name in names), default=0)
    return "/".join([INPUTS, *[HERE] * levels])


def make_about_files(
    facts: Facts, places: Mapping[str, str], *, has_program: bool, has_wheels: bool = False
) -> dict[str, bytes]:
    """Return the files that describe an archive: how to check it, its crate, its input files.

    Args:
        facts: The receipt.
        places: Where each input is in the archive, by its name; none in a public archive.
        has_program: Whether the program is in the archive.
        has_wheels: Whether its libraries are, too.
    """
    public = not places
    install = "wheels" if has_wheels else "own" if has_program else "other"
    packed = facts | {"outputs": held_outputs(facts, public=public)}
    texts = {
        f"README.{language}.txt": _readme_text(facts, language, install, public=public)
        for language in LANGUAGES
    }
    if has_program:
        texts[f"{PROGRAM}/README.md"] = texts["README.en.txt"]  # pip needs a file of this name
    texts[CRATE] = make_crate(packed, f"{OUTPUTS}/", places)
    if not public:
        listed = {row["file"]: places.get(row["file"], "") for row in facts["inputs"]}
        texts[PLACES] = json.dumps(listed, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return {name: text.encode("utf-8") for name, text in texts.items()}


def choose_example(facts: Facts) -> tuple[str, str]:
    """Return a figure of a receipt and how it is printed: the index of a unit, if there is one."""
    printed = {
        str(row.get("id")): str(row["printed"]) for row in facts["figures"] if row.get("printed")
    }
    indices = (id_ for id_ in printed if id_.startswith(f"{OVERALL}@") and ":" not in id_)
    figure = next(indices, OVERALL)
    return figure, printed.get(figure, "–")


def _readme_text(facts: Facts, language: Language, install: str, *, public: bool) -> str:
    """Return how to check an archive, with one of its figures as the example."""
    figure, printed = choose_example(facts)
    program = facts["program"]
    how = say(
        language,
        f"archive.install.{install}",
        python=program["python"],
        machine=program["machine"],
        version=program["version"],
        commit=program["commit"] or "–",
    )
    return say(
        language,
        f"archive.readme.{'public' if public else 'whole'}",
        receipt=facts["sha256"],
        install=how,
        figure=figure,
        printed=printed,
        sipas="sipas" if install == "other" else "check/bin/sipas",
        pack=facts["pack"].get("id", "–"),
        audit="" if install == "other" else say(language, "archive.audit"),
    )
