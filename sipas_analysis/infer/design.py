"""Declare once how a sample was drawn; every estimate then has the error of that sample.

A ``Design`` names the columns on how forms were drawn: weights, strata, clusters at each
stage, finite populations, replicate weights. No answer is read here. The frame is a pandas frame,
or the path of Parquet or CSV files that are too large for memory. Rules V1 to V5 of docs/method.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import isclass, ismethod
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from sipas_analysis.arguments import check_name, list_known, list_names, refuse_kind
from sipas_analysis.errors import DesignError, Place
from sipas_analysis.infer.domains import Condition, find_members
from sipas_analysis.infer.row_numbers import COUNT_COLUMN, number_rows
from sipas_analysis.infer.row_numbers import Floats as Floats  # noqa: PLC0414 (for others)
from sipas_analysis.infer.row_numbers import Ints as Ints  # noqa: PLC0414
from sipas_analysis.infer.stages import Declaration, Stage, find_fractions, find_stages
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import say

Lonely = Literal["fail", "merge", "certainty", "adjust", "average"]
Kind = Literal[
    "JK1", "JKn", "BRR", "Fay", "bootstrap", "JK2", "ACS", "successive-difference", "other"
]
GIVEN_KINDS = ("JK2", "ACS", "successive-difference", "other")  # of columns only


@dataclass(frozen=True)
class Replicates:
    """Replicate weights: columns that were given, or a kind to be made from the design (V4).

    Attributes:
        kind: Method by which they were or will be made, as R ``svrepdesign`` names it; ``JK2``,
            ``ACS``, ``successive-difference`` and ``other`` need columns.
        columns: Given weights, one column each; none makes them from strata and clusters.
        combined: Whether given columns include the weight (else they are factors of the weight).
        fay: Fay's coefficient, 0 to 1 (kind ``Fay``).
        scale: Factor of the sum of squares; by default that of the kind.
        rscales: One factor for each column; by default 1.
        mse: Whether squares are around the estimate; by default around the replicates' mean.
        count: Number of bootstrap replicates to make.
        seed: Seed of the bootstrap.
    """

    kind: Kind
    columns: Sequence[str] = ()
    combined: bool = True
    fay: float = 0.5
    scale: float | None = None
    rscales: Sequence[float] | None = None
    mse: bool = False
    count: int = 500
    seed: int = 1


@dataclass(frozen=True)
class Calibration:
    """What calibration used of each form; the variance needs these facts (rule W1).

    Attributes:
        auxiliaries: What was known of each form: levels as 0/1, numbers; shape (n, m), sparse.
        base: Weights before calibration, shape (n,).
        fitted: Weights after it, shape (n,).
        table: Diagnostics: margin, level, wanted, found, gap.
        facts: Rounds, largest gap, weight ratio, effective n before and after.
        before: The calibration before this one.
    """

    auxiliaries: sparse.csr_array = field(repr=False)
    base: Floats = field(repr=False)
    fitted: Floats = field(repr=False)
    table: pd.DataFrame
    facts: dict[str, float]
    before: "Calibration | None" = field(default=None, repr=False)

    def __repr__(self) -> str:
        facts = {name: f"{value:.4g}" for name, value in self.facts.items()}
        return say(
            "en",
            "view.calibration",
            n=len(self.table),
            margins=", ".join(dict.fromkeys(map(str, self.table["margin"]))),
            rounds=facts["rounds"],
            gap=facts["largest_gap"],
            ratio=facts["weight_ratio"],
            n_eff=facts["n_eff"],
            before=facts["n_eff_before"],
        )


@dataclass(frozen=True, eq=False, repr=False)
class Design:
    """How a sample was drawn: a frame and the names of the columns of the design.

    Attributes:
        frame: One row per form; or a path, a glob or a list of paths of Parquet or CSV files.
        weights: Column of weights, 0 or more; none means those that follow from ``fpc``,
            1/(f₁·f₂·…), else equal ones. A form of weight 0 counts in ``n`` and gives nothing.
        strata: Column of first-stage strata.
        clusters: Columns of clusters, one for each stage; none means single forms.
        fpc: Columns of sampling fractions (at most 1) or population counts (above 1), one for
            each stage that counts; without one only the first stage counts (V2).
        replicates: ``Replicates(kind, columns=…)`` of ``sipas_analysis.infer.design``, or a kind to
            make: ``JK1``, ``JKn``, ``BRR``, ``Fay``, ``bootstrap``.
        nested: Cluster ids are read within their stratum; else a repetition is an error (V1).
        lonely: Treatment of a stratum of one cluster (V5).
        workers: A Dask client whose workers build the totals of files; none means this machine.
        calibration: Facts that post-stratification or raking stored; not set by hand.
        domain: Which forms figures are about, shape (n,); all if none; set by ``subset``.

    Raises:
        DesignError: A column is missing, or a weight, fraction or stratum is invalid.

    Source: rules V1 to V5 in docs/method.md.

    Example:
        >>> frame = pd.DataFrame({"hamlet": [1, 1, 2, 2], "satisfied": [1, 1, 0, 1]})
        >>> import sipas_analysis as sipas
        >>> means = sipas.mean(sipas.Design(frame, clusters="hamlet"), "satisfied").frame
        >>> means[["value", "se", "df"]].round(3).to_numpy().tolist()
        [[0.75, 0.25, 1.0]]
    """

    frame: Any = field(repr=False)  # no form of a person is ever shown (rule P3)
    weights: str | None = None
    strata: str | None = None
    clusters: str | Sequence[str] | None = None
    fpc: str | Sequence[str] | None = None
    replicates: Replicates | Kind | None = None
    nested: bool = True
    lonely: Lonely = "fail"
    workers: Any = field(default=None, repr=False)
    calibration: Calibration | None = None
    domain: NDArray[np.bool_] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check what can be checked without answers; files are checked when they are read."""
        _check_frame(self.frame)
        for role, name in (("weights", self.weights), ("strata", self.strata)):
            check_name(name, role)
        if not isinstance(self.replicates, Replicates | str | None):
            raise refuse_kind(self.replicates, "replicates", "replicates")
        if not isinstance(self.nested, bool):
            raise refuse_kind(self.nested, "flag", "nested")
        if self.lonely not in get_args(Lonely):
            raise DesignError("design_lonely_word", found=self.lonely)
        kind = self.declared_replicates.kind if self.declared_replicates else "JK1"
        if kind not in get_args(Kind):
            raise DesignError("design_kind", found=kind, known=", ".join(get_args(Kind)))
        if kind in GIVEN_KINDS and self.declared_replicates and not self._gives_replicates:
            raise DesignError("replicates_columns", kind=kind)
        if len(self.fpc_columns) > max(1, len(self.cluster_columns)):
            raise DesignError("design_fpc_stages", n=len(self.fpc_columns))
        if self.declared_replicates and self.calibration:
            raise DesignError("calibrate_replicates")
        if self.on_files and (self.declared_replicates or self.calibration):
            raise DesignError("design_files_replicates")
        if self.on_files and self.fpc_columns and self.weights is None:
            raise DesignError("design_files_weights", fpc=", ".join(self.fpc_columns))
        if not self.on_files:
            check_columns(self.design_columns, self.frame.columns)
            if self.weights is None and self.fpc_columns:
                self._derive_weights()
            check_weights(self, self.frame)
            _ = self.stages

    def _derive_weights(self) -> None:
        """Put the weights that follow from the fractions of all stages into the frame."""
        fraction = find_fractions(self.declaration, self.cells[1])[self.cells[0]]
        name = name_free_column("weight", self.frame)
        object.__setattr__(self, "frame", self.frame.assign(**{name: 1 / fraction}))
        object.__setattr__(self, "weights", name)

    def subset(self, condition: Condition) -> "Design":
        """Return the design for figures about part of the forms; the sample stays whole.

        Strata, clusters, fractions, replicates and calibration keep all forms; those outside the
        part count with 0 in every variance, as R ``subset`` of a design. A part of a part is both.

        Args:
            condition: A condition on columns as ``DataFrame.query`` reads it (``"age >= 60"``);
                or yes/no for each form (Series, array or list), or a function of the frame that
                returns it. A blank is no.

        Returns:
            The design; ``by=`` gives the same figures for all parts at once.

        Raises:
            DesignError: The condition cannot be read, is not yes/no for each form, or holds for
                none of them; the forms are in files.

        Source: rule V1 in docs/method.md.

        Example:
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"town": list("aabb"), "age": [20, 70, 30, 80]})
            >>> old = sipas.Design(frame, clusters="town").subset("age >= 60")
            >>> sipas.mean(old, "age").frame[["value", "n"]].to_numpy().tolist()
            [[75.0, 2.0]]
        """
        if self.on_files:
            raise DesignError("subset_files", method="subset")
        part = copy(self)  # `replace` would compute the cells again
        members = find_members(self.frame, self.members, condition)
        object.__setattr__(part, "domain", members)
        return part

    def assign(self, **columns: object) -> "Design":
        """Return the design with new or changed columns of answers, as ``DataFrame.assign``.

        Args:
            **columns: Values, one for each form, or a function of the frame that returns them.

        Raises:
            DesignError: A column of a calibrated design's weights, or files.

        Example:
            >>> frame = pd.DataFrame({"days": [3, 12]})
            >>> design = Design(frame).assign(late=lambda forms: forms["days"] > 10)
            >>> design.frame["late"].tolist()
            [False, True]
        """
        if self.on_files:
            raise DesignError("subset_files", method="assign")
        try:
            together = {
                name: values
                for name, values in columns.items()
                if name not in self.frame and not callable(values)
            }  # many columns one by one would break the frame into pieces
            frame = pd.concat([self.frame, pd.DataFrame(together, self.frame.index)], axis=1)
            frame = frame.assign(
                **{name: columns[name] for name in columns if name not in together}
            )
        except ValueError as why:
            raise DesignError("assign_length", n=len(self.frame), why=why) from why
        if not set(columns) & set(self.design_columns):
            changed = copy(self)
            object.__setattr__(changed, "frame", frame)
            return changed
        if self.calibration is not None:
            raise DesignError("assign_calibrated", column=min(set(columns)))
        return replace(self, frame=frame)

    def describe_roles(self) -> list[str]:
        """Return a phrase for each part of the declaration: ``weights: w``, ``strata: region``."""
        kind = self.declared_replicates.kind if self.declared_replicates else ""
        named = {
            "weights": self.weights or "",
            "strata": self.strata or "",
            "clusters": ", ".join(self.cluster_columns),
            "fpc": ", ".join(self.fpc_columns),
        }
        lines = [say("en", f"view.design.{key}", name=name) for key, name in named.items() if name]
        lines += [say("en", "view.design.replicates", kind=kind)] if kind else []
        if self.calibration is not None:
            lines.append(say("en", "view.design.calibrated", facts=repr(self.calibration)))
        return lines

    def __repr__(self) -> str:
        lines = self.describe_roles()
        if self.on_files:
            return "; ".join([say("en", "view.design.files", files=", ".join(self.paths)), *lines])
        if self.domain is not None:
            lines.insert(0, say("en", "view.design.part", n=int(self.domain.sum())))
        return "; ".join([say("en", "view.design.forms", n=len(self.frame)), *lines])

    @property
    def on_files(self) -> bool:
        """Whether the forms are in files that are read piece by piece."""
        return not isinstance(self.frame, pd.DataFrame)

    @property
    def paths(self) -> list[str]:
        """Names or globs of the files."""
        is_one_path = isinstance(self.frame, str | Path)
        return [str(self.frame)] if is_one_path else [str(path) for path in self.frame]

    @property
    def cluster_columns(self) -> list[str]:
        """Columns of clusters, first stage first."""
        return list_names(self.clusters, "clusters")

    @property
    def fpc_columns(self) -> list[str]:
        """Columns of finite populations, first stage first."""
        return list_names(self.fpc, "fpc")

    @property
    def declared_replicates(self) -> Replicates | None:
        """The replicates, also where only their kind was named."""
        return Replicates(self.replicates) if isinstance(self.replicates, str) else self.replicates

    @property
    def _gives_replicates(self) -> bool:
        """Whether the replicate weights are columns of the frame."""
        return bool(self.declared_replicates and self.declared_replicates.columns)

    @property
    def declaration(self) -> Declaration:
        """What the stages of selection need."""
        clusters, fractions = tuple(self.cluster_columns), tuple(self.fpc_columns)
        return Declaration(self.strata, clusters, fractions, self.nested, self.lonely)

    @property
    def cell_columns(self) -> list[str]:
        """Columns that place a form in the sample: stratum, clusters that count, fractions."""
        used = self.cluster_columns[: max(1, len(self.fpc_columns))]
        named = [*([self.strata] if self.strata else []), *used, *self.fpc_columns]
        return list(dict.fromkeys(named))

    @property
    def design_columns(self) -> list[str]:
        """Every column that the design reads."""
        given = [*self.declared_replicates.columns] if self.declared_replicates else []
        named = [*([self.weights] if self.weights else []), *self.cell_columns, *given]
        return list(dict.fromkeys([*named, *self.cluster_columns]))

    @property
    def members(self) -> NDArray[np.bool_]:
        """Which forms figures are about, shape (n,)."""
        return np.ones(len(self.frame), bool) if self.domain is None else self.domain

    @property
    def weight(self) -> Floats:
        """Weights of the forms, shape (n,); ones if none were declared."""
        if self.weights is None:
            return np.ones(len(self.frame))
        return np.asarray(self.frame[self.weights].to_numpy(dtype=float))

    @cached_property
    def single_forms(self) -> bool:
        """Whether each form must be its own cell, because weights or factors differ by form."""
        makes_replicates = self.declared_replicates is not None and not self._gives_replicates
        return not self.cluster_columns and (makes_replicates or self.calibration is not None)

    @cached_property
    def cells(self) -> tuple[Ints, pd.DataFrame]:
        """The number of the cell of each form, and the sorted table of cells with their ``n``."""
        if self.single_forms:
            place = number_rows(self.frame, self.cell_columns)[0] if self.cell_columns else 0
            order = np.argsort(np.broadcast_to(place, len(self.frame)), kind="stable")
            number = np.empty(len(self.frame), np.int64)
            number[order] = np.arange(len(self.frame))
            table = self.frame[self.cell_columns].iloc[order].reset_index(drop=True)
            return number, table.assign(**{COUNT_COLUMN: 1})
        number, table = number_rows(self.frame, self.cell_columns)
        if (number < 0).any():
            raise DesignError("design_blank", columns=", ".join(self.cell_columns))
        return number, table

    @cached_property
    def alike_cells(self) -> NDArray[np.bool_]:
        """Which cells have one weight for all of their forms."""
        number, table = self.cells
        least, largest = np.full(len(table), np.inf), np.full(len(table), -np.inf)
        np.minimum.at(least, number, self.weight)
        np.maximum.at(largest, number, self.weight)
        return np.asarray(least == largest)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of selection that count for the error."""
        return find_stages(self.declaration, self.cells[1])


class Sampled(Protocol):
    """What has a design: a survey."""

    def design(self) -> Design:
        """Return how the forms were drawn."""


def take_design(sample: Design | Sampled) -> Design:
    """Return the design of a sample: itself, or the one that a survey declares.

    Raises:
        ParameterError: It is neither, such as a frame.
    """
    if isinstance(sample, Design):
        return sample
    if isclass(sample) or not ismethod(getattr(sample, "design", None)):
        raise refuse_kind(sample, "design", "design")
    return sample.design()


def take_wording(sample: Design | Sampled) -> Mapping[str, Bilingual]:
    """Return the text of each code of a survey; nothing of a design."""
    wording: Mapping[str, Bilingual] = getattr(sample, "wording", {})
    return wording


def _check_frame(frame: object) -> None:
    """Refuse what is neither a frame with plain column names nor paths of files."""
    if isinstance(frame, pd.DataFrame):
        if isinstance(frame.columns, pd.MultiIndex):
            raise DesignError("design_headers", n=frame.columns.nlevels)
        return
    paths = [frame] if isinstance(frame, str | Path) else frame
    if not isinstance(paths, list | tuple) or any(not isinstance(p, str | Path) for p in paths):
        raise refuse_kind(frame, "sample_frame", "frame")


def check_columns(names: Iterable[str], present: Iterable[str]) -> None:
    """Refuse names of columns that the data lack or have twice."""
    columns = list(present)
    counts = {name: columns.count(name) for name in names}
    twice = [name for name, n in counts.items() if n > 1]
    missing = [name for name, n in counts.items() if n == 0]
    if twice:
        raise DesignError("design_twice", column=twice[0])
    if missing:
        raise DesignError("design_column", column=missing[0], known=list_known(missing[0], columns))


def name_free_column(name: str, frame: pd.DataFrame) -> str:
    """Return a name that no column of the frame has: this one, or with underscores behind it."""
    while name in frame:
        name += "_"
    return name


def check_weights(design: Design, frame: pd.DataFrame, file: str = "") -> None:
    """Refuse weights that are blank, infinite or negative; all rows of a frame are listed."""
    if design.weights is None:
        return
    try:
        weight = frame[design.weights].to_numpy(dtype=float)
    except (TypeError, ValueError) as why:
        given = frame[design.weights]
        numbers = pd.to_numeric(given.astype(str), errors="coerce")
        at_text = np.flatnonzero((numbers.isna() & given.notna()).to_numpy())
        places = [
            Place("frame", int(at) + 1, design.weights, str(given.iloc[at])) for at in at_text
        ]
        message = "design_weight_cells" if places and not file else "design_weight_text"
        raise DesignError(message, places, column=design.weights) from why
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if wrong.size:
        places = [
            Place(file or "frame", None if file else int(at) + 1, design.weights, str(weight[at]))
            for at in wrong
        ]
        raise DesignError("design_weight", places, column=design.weights)
    if len(weight) and not file and not weight.any():
        raise DesignError("design_weight_none", column=design.weights)
