"""Set models side by side: coefficients, errors below them, and what each model rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import isnan
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_count, check_kind, check_word, list_names
from sipas_analysis.documents.model import Column, Table
from sipas_analysis.documents.table_cells import Measured, Plain, Range
from sipas_analysis.errors import FitError
from sipas_analysis.explain.driver_results import Drivers, say_scales
from sipas_analysis.explain.fact_results import FactDrivers
from sipas_analysis.explain.fits_by_group import GroupedFits
from sipas_analysis.explain.fitted import Fit
from sipas_analysis.explain.term_names import (
    Labels,
    TermNames,
    read_labels,
    read_variable,
    word_terms,
)
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.printed_result import Printing, ResultPart, translate_code
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language, say

Statistic = Literal["se", "interval"]
Model = Fit | GroupedFits | Drivers | FactDrivers
References = tuple[tuple[str, str], ...]  # variables and the levels that others are against
STARS = {"***": 0.001, "**": 0.01, "*": 0.05}  # largest p of each mark
FIGURES = ("value", "se", "low", "high", "df", "p")
COUNTS = ("n", "strata", "clusters", "replicates", "df")  # rows below the coefficients
SHARES = ("r_squared", "pseudo_r_squared")
TEXTS = ("family", "outcome", "weights", "reference")


@dataclass(frozen=True, eq=False, repr=False)
class ModelTable(ResultTable):
    """Models side by side.

    Attributes:
        frame: One row per model and coefficient, as the fits have them: ``model``, ``answer`` (of a
            multinomial logit), ``variable``, ``value``, ``se``, ``low``, ``high``, ``df``, ``p``.
        models: One row per model: ``model``, ``outcome``, ``family``, ``n``, ``r_squared`` (linear)
            or ``pseudo_r_squared`` (others, see ``Fit.r_squared``), ``strata``, ``clusters``,
            ``replicates`` (replicate weights), ``df``, ``weights`` (column), ``reference`` (levels
            that the coefficients are against).
        statistic: What stands below a coefficient: ``se`` or ``interval``.
        stars: Whether marks of significance are printed.
        digits: Decimals of the coefficients.
        standardised: Models whose coefficients are standardised, as those of ``drivers``, by label:
            the name of the model in its result.
        references: Variable and level of the text in ``models``, by label, to be named in print.
    """

    decimals = 4
    frame: pd.DataFrame
    models: pd.DataFrame
    statistic: Statistic = "se"
    stars: bool = False
    digits: int = 3
    standardised: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, References] = field(default_factory=dict)

    def _list_parts(self) -> list[ResultPart]:
        return [*super()._list_parts(), self._make_part("models", self.models)]

    def _print_parts(
        self,
        printing: Printing,
        caption: str = "",
        notes: Sequence[str] = (),
        most_rows: int | None = None,
    ) -> list[Table]:
        if printing.shows_all:
            printing = word_terms(self.frame["variable"], printing)
            return super()._print_parts(printing, caption, notes, most_rows)
        names = [self._name_model(str(label), printing) for label in self.models["model"]]
        heads = (Plain(say(printing.language, "result.column.variable")), *map(Plain, names))
        kinds: list[Literal["row", "number"]] = ["row", *["number"] * len(names)]  # type: ignore[list-item]
        columns = tuple(Column(head, kind) for head, kind in zip(heads, kinds, strict=True))
        printing = replace(printing, names_columns=False)  # words, in a view as well
        rows = [*self._list_coefficients(printing), *self._list_facts(printing)]
        texts = [*self._explain(printing), *notes]
        return [Table("models", Plain(caption), columns, (*rows,), tuple(map(Plain, texts)))]

    def _name_model(self, label: str, printing: Printing) -> str:
        """Return the heading of a model: its label, the kind of model in words."""
        model = self.standardised.get(label, "")
        if not model or not label.endswith(model):
            return label
        return f"{label.removesuffix(model)}{translate_code('model', model, printing)}"

    def _list_coefficients(self, printing: Printing) -> Iterable[tuple[object, ...]]:
        """Yield two rows for each term, in order of first appearance; an absent term is blank."""
        keys = [name for name in ("answer", "variable") if name in self.frame]
        rows = {
            (row["model"], self._label_term(row, keys, printing)): row
            for row in self.frame.to_dict("records")
        }
        for term in dict.fromkeys(term for _, term in rows):
            found_rows = [rows.get((model, term)) for model in self.models["model"]]
            yield (term, *map(self._print_value, found_rows))
            yield ("", *map(self._print_error, found_rows))

    def _label_term(
        self, row: Mapping[object, object], keys: Sequence[str], printing: Printing
    ) -> str:
        """Return the name of a term, an answer before it."""
        names = TermNames(printing.wording, printing.language)
        text = names.name_term(str(row["variable"]))
        answer = row["answer"] if "answer" in keys else np.nan
        return text if pd.isna(answer) else f"{answer}: {text}"  # type: ignore[call-overload]

    def _print_value(self, row: Mapping[object, object] | None) -> object:
        if row is None:
            return ""
        value, p = _read(row, "value"), _read(row, "p")
        marks = next((mark for mark, most in STARS.items() if p < most), "") if self.stars else ""
        return Measured(value, self.digits, after=marks)

    def _print_error(self, row: Mapping[object, object] | None) -> object:
        if row is None:
            return ""
        if self.statistic == "se":
            return Measured(_read(row, "se"), self.digits, before="(", after=")")
        low, high = (Measured(_read(row, end), self.digits) for end in ("low", "high"))
        return Range(low, high)

    def _list_facts(self, printing: Printing) -> Iterable[tuple[object, ...]]:
        """Yield the rows below the coefficients; one that no model has is left out."""
        language = printing.language
        for name in ("n", *SHARES, *COUNTS[1:], *TEXTS):
            column = self.models[name]
            if column.isna().all() or (column.astype(object) == "").all():
                continue
            if name in TEXTS:
                cells: list[object] = [
                    Plain(self._name_fact(name, str(text), str(label), printing))
                    for label, text in zip(self.models["model"], column, strict=True)
                ]
            else:
                decimals = self.digits if name in SHARES else 0
                cells = ["" if isnan(x) else Measured(float(x), decimals) for x in column]
            yield (say(language, f"result.models.{name}"), *cells)

    def _name_fact(self, name: str, text: str, label: str, printing: Printing) -> str:
        """Return a fact of a model in words: its family, its outcome, its reference levels."""
        names = TermNames(printing.wording, printing.language, "code")
        if name == "outcome":
            return names.name_variable(read_variable(text))
        if name == "reference" and label in self.references:
            return _say_references(self.references[label], names)
        return str(translate_code(name, text, printing))

    def _explain(self, printing: Printing) -> Iterable[str]:
        """Yield what stands below a coefficient, what marks mean, and what scales are."""
        language = printing.language
        text = say(language, f"result.models.below_{self.statistic}")
        yield f"{text} {say(language, 'result.models.stars')}" if self.stars else text
        names = TermNames(printing.wording, language, "text")
        for outcome in dict.fromkeys(map(read_variable, map(str, self.models["outcome"]))):
            label = replace(names, style="code").name_variable(outcome)
            if (wording := names.name_variable(outcome)) != label:
                yield say(language, "result.models.outcome_text", outcome=label, text=wording)
        families = self.models.set_index("model")["family"]
        yield from say_scales(
            {
                self._name_model(label, printing): families[label] == "gaussian"
                for label in self.standardised
            },
            language,
        )


def _read(row: Mapping[object, object], name: str) -> float:
    return float(row[name])  # type: ignore[arg-type]


def table(
    models: Model | Sequence[Model] | Mapping[str, Model],
    names: Sequence[str] | None = None,
    *,
    stars: bool = False,
    statistic: Statistic = "se",
    decimals: int = 3,
    labels: Labels = None,
    lang: Language = "en",
) -> ModelTable:
    """Set models side by side, for a paper or a report.

    Args:
        models: Results of ``fit``, of ``fit`` with ``by`` (a model for each group) or of
            ``drivers`` (each of its models); or a mapping of names to them.
        names: Name of each model; those of the groups or of the mapping, else their outcomes with
            a number, if left out.
        stars: Whether p < 0.05, p < 0.01 and p < 0.001 are marked by one to three stars.
        statistic: What stands below a coefficient: ``se`` in parentheses, or the ``interval``.
        decimals: Decimals of the coefficients.
        labels: Names of variables, of their levels and of outcomes, a text or ``{"vi": …, "en":
            …}`` each, as in ``fit``; they come before those of the models.
        lang: ``en`` or ``vi``.

    Returns:
        Coefficients in order of first appearance, blank where a model has no such term; then n,
        R² (McFadden's or the explained share of the deviance where the model is not linear),
        strata, clusters, replicate weights, degrees of freedom, family, outcome and reference
        levels. ``frame`` and ``models`` have the numbers; ``to_latex`` and the others print them.

    Raises:
        FitError: No model, or not one name for each.

    Example:
        >>> import sipas_analysis as sipas
        >>> values = {"y": [1.0, 2, 2, 5, 4], "a": [0.0, 1, 2, 3, 4], "b": [1, 0, 1, 0, 1.0]}
        >>> frame = pd.DataFrame(values)
        >>> sample = sipas.Design(frame)
        >>> fits = [sipas.fit(sample, "y ~ a"), sipas.fit(sample, "y ~ a + b")]
        >>> print(sipas.table(fits, ["short", "long"]))
        Variable     short     long
        Intercept    1.000    1.700
                   (0.228)  (0.555)
        a            0.900    0.900
                   (0.198)  (0.144)
        b                    −1.167
                            (0.523)
        n                5        5
        R²           0.750    0.901
        df               3        2
        Model       linear   linear
        Outcome          y        y
        In parentheses: standard errors of the sample's design.
    """
    check_word(statistic, get_args(Statistic), "statistic")
    check_word(lang, LANGUAGES, "lang")
    check_count(decimals, "decimals")
    given = models if isinstance(models, Mapping) else dict(enumerate(_list_models(models)))
    fits = [*chain.from_iterable(_split_model(name, model) for name, model in given.items())]
    headings = _name_fits(fits, names)
    if not fits:
        raise FitError("table_empty")
    by_label = dict(zip(headings, fits, strict=True))
    frames = [part.fit.frame.assign(model=label) for label, part in by_label.items()]
    frame = pd.concat(frames, ignore_index=True)
    keys = ["model", *(name for name in ("answer", "variable") if name in frame)]
    facts = [{"model": label, **_describe_fit(part.fit)} for label, part in by_label.items()]
    wording: dict[str, Bilingual] = {}
    for model in given.values():
        wording |= model.wording
    wording |= read_labels(labels)
    return ModelTable(
        frame[[*keys, *FIGURES]],
        pd.DataFrame(facts),
        statistic,
        stars,
        decimals,
        {label: part.standardised for label, part in by_label.items() if part.standardised},
        {label: _list_references(part.fit) for label, part in by_label.items()},
        wording=wording,
        language=lang,
    )


class _NamedFit(NamedTuple):
    """A fit, its name (none if it is a number), and the model's name in a result of ``drivers``."""

    name: object
    fit: Fit
    standardised: str = ""


def _list_models(models: Model | Sequence[Model]) -> list[Model]:
    return [models] if isinstance(models, ResultTable) else [*models]


def _split_model(name: object, model: Model) -> Iterable[_NamedFit]:
    """Yield the fits of a result with their names."""
    check_kind(model, (Fit, GroupedFits, Drivers, FactDrivers), "fit", "models")
    if isinstance(model, Fit):
        yield _NamedFit(name, model)
        return
    for key, fit in model.fits.items():
        parts = [*key] if isinstance(key, tuple) else [key]
        label = " ".join(map(str, [*([name] if isinstance(name, str) else []), *parts]))
        is_fit = isinstance(model, GroupedFits)  # of variables as they are
        yield _NamedFit(label, fit, "" if is_fit else str(parts[-1]))


def _name_fits(fits: Sequence[_NamedFit], names: Sequence[str] | None) -> list[str]:
    """Return a different name for each fit."""
    if names is not None:
        labels = list_names(names, "names")
        if len(labels) != len(fits) or len({*labels}) != len(labels):
            raise FitError("table_names", found=len(labels), n=len(fits))
        return labels
    labels = [
        part.name if isinstance(part.name, str) else f"({at}) {read_variable(part.fit.outcome)}"
        for at, part in enumerate(fits, 1)
    ]
    twice = {label for label in labels if labels.count(label) > 1}
    return [f"{label} ({at})" if label in twice else label for at, label in enumerate(labels, 1)]


def _describe_fit(fit: Fit) -> dict[str, object]:
    """Return what a model rests on."""
    is_linear = fit.family == "gaussian"
    return {
        "outcome": fit.outcome,
        "family": fit.family,
        "n": fit.n,
        "r_squared": fit.r_squared if is_linear else np.nan,
        "pseudo_r_squared": np.nan if is_linear else fit.r_squared,
        **describe_design(fit.design),
        "df": float(fit.frame["df"].min()),
        "reference": _say_references(_list_references(fit)),
    }


def describe_design(design: Design) -> dict[str, object]:
    """Return the strata, clusters and replicate weights of a design; NaN where it has none."""
    first, replicates = design.stages[0], design.declared_replicates
    n_replicates = np.nan
    if replicates is not None:
        from sipas_analysis.infer.replicates import weigh_forms

        n_replicates = float(weigh_forms(design).weights.shape[1])
    return {
        "strata": float(len(first.n)) if design.strata else np.nan,
        "clusters": float(np.sum(first.n)) if design.cluster_columns else np.nan,
        "replicates": n_replicates,
        "weights": design.weights or "",
    }


def _say_references(references: References, names: TermNames | None = None) -> str:
    """Return variables and levels as one text, by name if there are names."""
    if names is None:
        return "; ".join(f"{variable} = {level}" for variable, level in references)
    return "; ".join(
        f"{names.name_variable(variable)} = {names.name_level(variable, level)}"
        for variable, level in references
    )


def _list_references(fit: Fit) -> References:
    """Return the level of each category that has no coefficient; of a multinomial outcome, too."""
    references = []
    if fit.family == "multinomial":
        references.append((fit.outcome, str(fit.levels[0])))
    columns = {str(name) for name in fit.data}
    for name, (_, state) in (fit.spec.encoder_state if fit.spec is not None else {}).items():
        levels = [str(level) for level in state.get("categories", ())]
        absent = [level for level in levels if f"{name}[T.{level}]" not in columns]
        if len(absent) == 1 and len(levels) > 1:
            references.append((read_variable(name), absent[0]))
    return tuple(references)
