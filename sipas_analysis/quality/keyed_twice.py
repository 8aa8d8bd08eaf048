"""Compare two keyings of the same paper forms: what to read again, and how often they differ.

The second keying stands under ``keyed_twice:`` in ``wave.yaml``. Forms are matched by their id. The
answers are compared as they were read: two spellings of one answer are no disagreement (rule Q7).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.collect.cells import Cells, write_value
from sipas_analysis.collect.file_cells import read_files
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import index_units
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import ConfigError, Place, SeveralError
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.shares import proportion

NOT_COMPARED = {
    "form",
    "dossier",
    "operator",
    "time",
    "weight",
    "stratum",
    "cluster",
    "fpc",
    "count",
}
PLACE = ["file", "row", "cell", "value", "operator"]


@dataclass(frozen=True)
class Keyings:
    """Two keyings of the same forms.

    Attributes:
        disagreements: One row per answer to read again: ``form``, ``item``, and ``file``, ``row``,
            ``cell``, ``value``, ``operator`` of both keyings (of the second with ``_2``).
        unmatched: Forms that cannot be compared: of one keying only, or whose id is blank or stands
            several times in a keying: ``keying`` (1 or 2), ``form``, ``file``, ``row``.
        items: Share of disagreements by ``item``: ``n`` answers compared, ``differ``, ``percent``
            with its 95 % interval ``low`` to ``high``. The first row is the whole.
        operators: The same by ``operator``, of all answers that an operator keyed in either file.
        n_forms: Forms that were compared.
    """

    disagreements: pd.DataFrame
    unmatched: pd.DataFrame
    items: pd.DataFrame
    operators: pd.DataFrame
    n_forms: int

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the disagreements as a pandas frame."""
        return self.disagreements.copy()


def compare_keyings(survey: Survey) -> Keyings:
    """Compare the files under ``responses`` with those under ``keyed_twice``, form by form.

    Two answers disagree if their values differ or one of them is blank. A disagreement is an error
    of at least one of the two keyings. Intervals are exact for an item; where several answers of a
    form count, they allow for it (Korn–Graubard).

    Raises:
        ConfigError: The wave has no second keying, or a file has no column of form ids.
        SipasError: A file of the second keying cannot be read; as ``read_survey``.

    Source: rule Q7 in docs/method.md.
    """
    if not survey.wave.keyed_twice:
        raise ConfigError("keyed_none", [Place(survey.wave.path.name)])
    first, second = (
        _read_keying(wave, survey) for wave in (survey.wave, survey.wave.second_keying)
    )
    both = first[first["is_single"]].merge(
        second[second["is_single"]], on=["form", "item"], suffixes=("", "_2")
    )
    both["differ"] = both["value"] != both["value_2"]
    rows = pd.concat([first.assign(keying=1), second.assign(keying=2)], ignore_index=True)
    rows = rows.drop_duplicates(["keying", "file", "row"])
    is_compared = rows["form"].isin(both["form"]) & rows["is_single"]
    columns = ["form", "item", *PLACE, *(f"{name}_2" for name in PLACE)]
    differing = both.loc[both["differ"], columns].sort_values(["form", "item"], kind="stable")
    parts = [both[["form", "differ", name]] for name in ("operator", "operator_2")]
    typed = pd.concat([part.set_axis(["form", "differ", "operator"], axis=1) for part in parts])
    whole = _estimate_rates(both.assign(item=""), "item")
    return Keyings(
        differing.reset_index(drop=True),
        rows.loc[~is_compared, ["keying", "form", "file", "row"]].reset_index(drop=True),
        pd.concat([whole, _estimate_rates(both, "item")], ignore_index=True),
        _estimate_rates(typed[typed["operator"] != ""], "operator"),
        both["form"].nunique(),
    )


def _read_keying(wave: Wave, survey: Survey) -> pd.DataFrame:
    """Return one row per form and answer of a keying, or refuse its files."""
    files, errors = read_files(wave, index_units(survey.units))
    without = [Place(cells.table.sheet.file) for cells in files if "form" not in cells.columns]
    errors += [ConfigError("keyed_form", without)] if without and not errors else []
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    return pd.concat([_list_answers(cells) for cells in files], ignore_index=True)


def _list_answers(cells: Cells) -> pd.DataFrame:
    """Return one row per form and answer of a file, with its cell and the typed value as text."""
    frame = cells.frame
    names = [name for name in cells.letters if name not in NOT_COMPARED]
    operator = frame["operator"].fillna("") if "operator" in frame else ""
    form = frame["form"].fillna("")
    forms = frame.assign(
        form=form, operator=operator, is_single=(form != "") & ~form.duplicated(keep=False)
    )
    origin = ["form", "file", "row", "operator", "is_single"]
    answers = forms.melt(origin, names, "item", "value")
    letters = answers["item"].map(cells.letters)
    values = ["" if pd.isna(value) else str(write_value(value)) for value in answers["value"]]
    return answers.assign(cell=letters + answers["row"].astype(str), value=values)


def _estimate_rates(answers: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the share of disagreements by item or operator; a form is a cluster of answers."""
    counts = answers.groupby(by, sort=False)["differ"].agg(n="size", differ="sum").reset_index()
    if counts.empty:
        return counts.assign(percent=np.nan, low=np.nan, high=np.nan)
    clusters = "form" if answers.duplicated([by, "form"]).any() else None
    shares = proportion(Design(answers, clusters=clusters), "differ", by=by).frame.set_index(by)
    ends = 100 * shares.loc[counts[by], ["value", "low", "high"]]
    return counts.assign(**dict(zip(("percent", "low", "high"), ends.to_numpy().T, strict=True)))
