"""What ``sipas drivers`` prints and writes: first the verdict, then numbers with their meaning."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.explain.fitted import Note
from sipas_analysis.explain.priority import Priority
from sipas_analysis.explain.priority import priority as compute_priority
from sipas_analysis.figures.published import figures_of
from sipas_analysis.messages import Language, format_number, say
from sipas_analysis.reports.chapters.driver_annex import ABOUT_NUMBERS
from sipas_analysis.reports.subject import name_measure

LINEAR = {"value": 3, "low": 3, "high": 3, "p": 4, "vif": 1}
LOGIT = {"points": 1, "points_low": 1, "points_high": 1, "odds_ratio": 2, "p": 4}
SHARES = ["variable", "share", "share_low", "share_high", "rank_low", "rank_high"]
GAINS = {"item": "item", "percent": "percent", "target": "target", "points": "gain"}
MOST_ITEMS = 5
Lines = Iterator[tuple[str, pd.DataFrame | None]]  # a sentence, or a title with its table


def describe_drivers(
    survey: Survey, models: Drivers, priority: Priority | None, language: Language
) -> Lines:
    """Yield sentences, and tables with their titles, in the order a reader needs them."""
    pack = survey.instrument
    names = {code: pack.label_of(code, language) for code in (*pack.factors, *pack.items)}
    inseparable = not models.any_separable and len(models.collinearity) > 0
    for note in models.notes:
        if not (inseparable and note.id in ABOUT_NUMBERS):
            yield _word_note(note, names, language), None
    yield from _describe_reasons(models, language)
    if inseparable and not models.outcome:
        codes = [code for code in pack.factors if code in models.correlations]
        table = models.correlations.loc[codes, codes].rename(columns=names)
        table.insert(0, "variable", [names[code] for code in codes])
        yield say(language, "report.table.correlations"), table.round(2)
        return
    if inseparable:
        labels = models.collinearity["variable"].map(names)
        yield say(language, "report.drivers.inseparable", names=", ".join(labels)), None
        table = models.collinearity.assign(variable=labels)[["variable", "vif"]]
        yield say(language, "report.column.vif"), table.round(1)
        return
    if len(models.frame):
        outcome = pack.label_of(models.outcome, language)
        yield say(language, "report.drivers.words", outcome=outcome), None
        yield from _describe_models(models, names, language)
    if priority is not None and priority.importance is not None:
        sign = name_measure(survey.instrument, "sign").text(language)
        yield from _describe_priority(priority, names, sign, language)


def _word_note(note: Note, names: dict[str, str], language: Language) -> str:
    """Return a warning in words, factors by their names."""
    fields = dict(note.fields)
    if note.id == "tied":
        fields["names"] = ", ".join(names[code] for code in str(fields["names"]).split(", "))
    return say(language, f"explain.note.{note.id}", **fields)


def _describe_models(models: Drivers, names: dict[str, str], language: Language) -> Lines:
    """Yield one table for each model; factors that cannot be separated have no numbers."""
    keys = list(models.frame.columns[: list(models.frame.columns).index("model")])
    notes = ["notes"] if "notes" in models.frame else []
    for model in models.frame["model"].unique():
        decimals = LINEAR if model == "linear" else LOGIT
        rows = models.model_rows(model)
        table = rows.assign(variable=rows["variable"].map(names))
        table = table[[*keys, "variable", *decimals, *notes]].round(decimals)
        numbers = [column for column in decimals if column != "vif"]
        table.loc[~rows["separable"].astype(bool), numbers] = float("nan")
        table["p"] = [_print_p(float(p), language) for p in table["p"]]
        n = models.n if keys else int(rows["n"].max())
        title = say(language, f"report.model.{model}", n=format_number(n, language))
        if model == "linear" and not keys:
            title += f", R² = {format_number(models.r_squared, language, 3)}"
        yield title, table


def _print_p(p: float, language: Language) -> str:
    """Return a p value as text, never as 0."""
    least = f"< {format_number(0.0001, language, 4)}"
    return least if p < 0.0001 else format_number(p, language, 4)


def _describe_priority(
    priority: Priority, names: dict[str, str], sign: str, language: Language
) -> Lines:
    """Yield shares, what to improve first, and the items with the largest gain.

    ``sign`` follows the index: "%", or " points" of a pack with points.
    """
    shares = priority.importance
    assert shares is not None
    table = shares.frame.sort_values("value", ascending=False)
    percents = {column: (100 * table[column]).round(1) for column in SHARES[1:4]}
    title = say(
        language,
        "cli.said.holds",
        r_squared=format_number(shares.r_squared, language, 3),
        holds=format_number(100 * shares.order_holds, language),
    )
    yield title, table.assign(variable=table["variable"].map(names), **percents)[SHARES]
    cut = format_number(priority.cut_percent, language, 1)
    fix, undecided = (
        ", ".join(names[code] for code in priority.list_factors(quadrant))
        for quadrant in ("fix", "undecided")
    )
    verdict = f"report.priority.{'fix' if fix else 'no_fix'}"
    yield say(language, verdict, names=fix, cut=cut + sign), None
    if undecided:
        yield say(language, "report.priority.undecided", names=undecided), None
    gains = priority.what_if[priority.what_if["points"].round(2) > 0].head(MOST_ITEMS)
    if len(gains):
        named = gains.assign(item=gains["item"] + " " + gains["item"].map(names))[[*GAINS]]
        yield say(language, "report.table.what_if"), named.rename(columns=GAINS).round(2)


def _describe_reasons(models: Drivers, language: Language) -> Lines:
    """Yield why models are missing: sentences, or a table where there are many."""
    by_key = [(*key, why) for key, why in models.reason.items() if isinstance(key, tuple)]
    by_model = {key: why for key, why in models.reason.items() if isinstance(key, str)}
    of_all = len(by_model) > len(models.fits) and len({*by_model.values()}) == 1
    for reason in dict.fromkeys(by_model.values()):
        without = ", ".join(model for model, why in by_model.items() if why == reason)
        start = "" if of_all else f"{without}: "
        yield start + say(language, f"report.drivers.reason.{reason}"), None
    if by_key:
        table = pd.DataFrame(by_key, columns=["key", "model", "reason"])
        table["reason"] = [say(language, f"report.drivers.reason.{why}") for why in table["reason"]]
        yield say(language, "cli.table.reasons"), table


def find_priority(survey: Survey, models: Drivers) -> Priority | None:
    """Return what to improve first by these models; None without a linear model of the whole."""
    if "linear" not in models.fits:
        return None
    both = {"linear", "logit"} <= {*models.fits, *models.reason}
    return compute_priority(
        survey, scores=figures_of(survey).scores, models=models if both else None
    )


def keep_publishable(survey: Survey, models: Drivers, by: str) -> Drivers:
    """Return the models without those of units or groups that must not be published (P2)."""
    counts = survey.frame[by].value_counts()
    few = {str(key) for key in counts.index[counts < survey.wave.min_cell]}
    return hide_keys(models, few | (figures_of(survey).hidden_units if by == "unit" else set()), by)


def hide_keys(models: Drivers, hidden: set[str], by: str) -> Drivers:
    """Return the models without some keys, with the reason that these are hidden (P2)."""
    frame = models.frame[~models.frame[by].isin(hidden)].reset_index(drop=True)
    fits = {key: fit for key, fit in models.fits.items() if key[0] not in hidden}
    hidden_fits = {key: "hidden" for key in models.fits if key[0] in hidden}
    reasons = {key: "hidden" if key[0] in hidden else why for key, why in models.reason.items()}
    return replace(models, frame=frame, fits=fits, reason={**reasons, **hidden_fits})


def list_tables(models: Drivers, priority: Priority | None, by: str) -> dict[str, pd.DataFrame]:
    """Return the tables to write; with ``by`` also the keys that have no model, with the reason."""
    if by:
        rows = [{by: key[0], "model": key[1], "reason": why} for key, why in models.reason.items()]
        missing = pd.DataFrame(rows, columns=[by, "model", "reason"])
        return {f"drivers-by-{by}": pd.concat([models.frame, missing], ignore_index=True)}
    tables = {"drivers": models.frame}
    if priority is None:
        return tables
    if priority.importance is not None:
        tables["importance"] = priority.importance.frame
    return {**tables, "priority": priority.frame, "what_if": priority.what_if}
