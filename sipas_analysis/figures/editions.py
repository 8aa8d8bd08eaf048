"""Earlier editions of a wave: what a reader of two editions could compute (rule P4).

Two editions on nearly the same forms differ by the answers of those few people. A figure that one
of them hides and the other shows gives a reader two sets of sums. Neither can be seen in one
edition alone, so the receipt of each earlier edition is read before a new one is published. This
only warns: whether the earlier edition was given out is known to the office alone.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import ConfigError, Place

RECEIPT = "receipt.json"
EDITIONS = "state/editions"  # receipts of an output folder that later ones replaced
COUNTED = ("scores", "respondents", "people", "incidents", "records")  # parts of ``Figures.by_id``
TOLERANCE = 1e-8  # a receipt has ten significant digits
FEW, SHOWN = "few", "shown"


@dataclass(frozen=True, eq=False)
class Edition:
    """The figures of an earlier edition, as its receipt has them.

    Attributes:
        path: The receipt.
        wave: Id of the wave.
        code: The hash of the receipt, as the minutes may have it.
        figures: The figures, with the id as index; NaN where hidden.
    """

    path: Path
    wave: str
    code: str
    figures: pd.DataFrame


def read_editions(wave: Wave, folder: Path | None = None) -> list[Edition]:
    """Read the receipts that a wave names under ``editions:``, and those of an output folder.

    A receipt of the folder counts if it is of this wave and can be read.

    Raises:
        ConfigError: A receipt that the wave names cannot be read.
    """
    editions = {}
    for name in wave.editions:
        try:
            editions[name] = _read_receipt(wave.path_of(name))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            places = [Place(wave.path.name)]
            raise ConfigError("edition_unread", places, ("editions",), name=name) from error
    paths = [folder / RECEIPT, *sorted((folder / EDITIONS).glob("*.json"))] if folder else []
    for path in paths:
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            edition = _read_receipt(path)
            if edition.wave == wave.id:
                editions.setdefault(edition.code, edition)
    return [*{edition.code: edition for edition in editions.values()}.values()]


def _read_receipt(path: Path) -> Edition:
    facts = json.loads(path.read_text("utf-8"))
    figures = pd.DataFrame.from_records(facts["figures"])
    return Edition(path, str(facts["wave"]["id"]), str(facts["sha256"]), _index_figures(figures))


def _index_figures(figures: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of figures by id; ``base`` is that of the percentage."""
    table = figures.drop_duplicates("id").set_index("id")
    answers = [name for name in table if str(name).startswith("answer_")]
    numbers = table.reindex(columns=["n", "n_valid", "denominator", "numerator", "value", *answers])
    parts = {name: pd.to_numeric(numbers[name], errors="coerce") for name in numbers}
    parts["base"] = parts["n_valid"].fillna(parts.pop("denominator"))
    return pd.DataFrame(parts, dtype=float)


def compare_editions(edition: Edition, figures: pd.DataFrame, min_cell: int) -> dict[str, str]:
    """Return why two editions together tell more than each alone, by the id of a figure.

    ``few``: the figure differs, and its base by fewer than ``min_cell`` people (if the base is the
    same, its numerator): what was counted for these people follows. ``shown``: one edition hides
    what the other shows.

    Args:
        edition: The earlier edition.
        figures: The figures of this edition: ``id`` and the columns of ``figures.csv``.
        min_cell: Fewest people behind a published figure (P2).

    Source: rule P4 in docs/method.md.
    """
    now = _index_figures(figures)
    ids = now.index.intersection(edition.figures.index, sort=False)
    columns = now.columns.union(edition.figures.columns, sort=False)
    before, now = (table.loc[ids].reindex(columns=columns) for table in (edition.figures, now))
    hidden_before, hidden_now = (
        (table["value"].isna() & (table["n_valid"] != 0)).to_numpy() for table in (before, now)
    )
    change = (now - before).abs().fillna(0.0)
    change = change.mask(change <= TOLERANCE * now.abs(), 0.0)
    people = change[["n", "base"]].where(change[["n", "base"]] > 0).min(axis=1)
    n_apart = people.fillna(change["numerator"]).to_numpy()
    is_few = (change > 0).any(axis=1).to_numpy() & (n_apart < min_cell)
    is_few &= ~(hidden_before | hidden_now)
    kinds = np.select([is_few, hidden_before != hidden_now], [FEW, SHOWN], "")
    return {str(name): str(kind) for name, kind in zip(ids, kinds, strict=True) if kind}
