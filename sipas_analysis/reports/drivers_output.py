"""What ``sipas drivers`` prints and writes: the verdict first, no number without a meaning."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.explain.drivers import Drivers
from sipas_analysis.explain.priority import Priority, priority
from sipas_analysis.figures.published import Figures
from sipas_analysis.messages import Language, format_number, say
from sipas_analysis.reports.chapters.drivers import ABOUT_NUMBERS

LINEAR = {"value": 3, "low": 3, "high": 3, "p": 4, "vif": 1}
LOGIT = {"points": 1, "points_low": 1, "points_high": 1, "odds_ratio": 2, "p": 4}
SHARES = ["driver", "share", "share_low", "share_high", "rank_low", "rank_high"]
GAINS = {"item": "item", "percent": "percent", "target": "target", "points": "gain"}
MOST_ITEMS = 5
Output = Iterator[tuple[str, pd.DataFrame | None]]


def describe_drivers(
    survey: Survey, found: Drivers, first: Priority | None, language: Language
) -> Output:
    """Yield sentences, and tables with their titles, in the order a reader needs them."""
    pack = survey.instrument
    names = {code: pack.label_of(code, language) for code in (*pack.factors, *pack.items)}
    together = not found.told_apart and len(found.near) > 0
    for note in (it for it in found.notes if not (together and it.id in ABOUT_NUMBERS)):
        fields = dict(note.fields)
        if note.id == "tied":
            fields["names"] = ", ".join(names[it] for it in str(fields["names"]).split(", "))
        yield say(language, f"explain.note.{note.id}", **fields), None
    yield from _describe_reasons(found, language)
    if together and not found.outcome:
        codes = [code for code in pack.factors if code in found.correlations]
        table = found.correlations.loc[codes, codes].rename(columns=names)
        table.insert(0, "term", [names[code] for code in codes])
        yield say(language, "report.table.correlations"), table.round(2)
        return
    if together:
        joined = ", ".join(names[it] for it in found.near["term"])
        yield say(language, "report.drivers.inseparable", names=joined), None
        near = found.near.assign(term=found.near["term"].map(names))[["term", "vif"]]
        yield say(language, "report.column.vif"), near.round(1)
        return
    if len(found.frame):
        outcome = pack.label_of(found.outcome, language)
        yield say(language, "report.drivers.words", outcome=outcome), None
        yield from _describe_models(found, names, language)
    if first is not None and first.importance is not None:
        yield from _describe_priority(first, names, language)


def _describe_models(found: Drivers, names: dict[str, str], language: Language) -> Output:
    """Yield one table for each model; what cannot be told apart has no numbers."""
    keys = list(found.frame.columns[: list(found.frame.columns).index("model")])
    notes = ["notes"] if "notes" in found.frame else []
    for model in found.frame["model"].unique():
        shown = LINEAR if model == "linear" else LOGIT
        rows = found.of(model)
        table = rows.assign(term=rows["term"].map(names))[[*keys, "term", *shown, *notes]].round(
            shown
        )
        table.loc[~rows["separable"].astype(bool), [it for it in shown if it != "vif"]] = float(
            "nan"
        )
        table["p"] = [_print_p(float(it), language) for it in table["p"]]
        n = found.n if keys else int(rows["n"].max())
        head = say(language, f"report.model.{model}", n=format_number(n, language))
        r_squared = format_number(found.r_squared, language, 3)
        yield f"{head}, R² = {r_squared}" if model == "linear" and not keys else head, table


def _print_p(p: float, language: Language) -> str:
    """Return a p value as text; none is 0."""
    least = f"< {format_number(0.0001, language, 4)}"
    return least if p < 0.0001 else format_number(p, language, 4)


def _describe_priority(first: Priority, names: dict[str, str], language: Language) -> Output:
    """Yield shares, what to look at first, and the items that would gain most."""
    shares = first.importance
    assert shares is not None
    table = shares.frame.sort_values("value", ascending=False)
    parts = {it: (100 * table[it]).round(1) for it in SHARES[1:4]}
    title = say(
        language,
        "cli.said.holds",
        r_squared=format_number(shares.r_squared, language, 3),
        holds=format_number(100 * shares.order_holds, language),
    )
    yield title, table.assign(driver=table["driver"].map(names), **parts)[SHARES]
    cut = format_number(first.cut_percent, language, 1)
    fix, unsure = (", ".join(names[it] for it in first.of(name)) for name in ("fix", "undecided"))
    yield say(language, f"report.priority.{'fix' if fix else 'no_fix'}", names=fix, cut=cut), None
    if unsure:
        yield say(language, "report.priority.undecided", names=unsure), None
    gains = first.what_if[first.what_if["points"].round(2) > 0].head(MOST_ITEMS)
    if len(gains):
        named = gains.assign(item=gains["item"] + " " + gains["item"].map(names))[[*GAINS]]
        yield say(language, "report.table.what_if"), named.rename(columns=GAINS).round(2)


def _describe_reasons(found: Drivers, language: Language) -> Output:
    """Yield why models are missing: sentences, or a table where there are many."""
    keyed = [(*key, why) for key, why in found.reason.items() if isinstance(key, tuple)]
    plain = {model: why for model, why in found.reason.items() if isinstance(model, str)}
    for why in dict.fromkeys(plain.values()):
        models = ", ".join(model for model, it in plain.items() if it == why)
        head = "" if len(plain) > len(found.fits) and len({*plain.values()}) == 1 else f"{models}: "
        yield head + say(language, f"report.drivers.reason.{why}"), None
    if keyed:
        table = pd.DataFrame(keyed, columns=["key", "model", "reason"])
        table["reason"] = [say(language, f"report.drivers.reason.{it}") for it in table["reason"]]
        yield say(language, "cli.table.reasons"), table


def find_priority(survey: Survey, found: Drivers) -> Priority | None:
    """Return what to look at first by these models of the whole survey; None without a linear."""
    if "linear" not in found.fits:
        return None
    both = {"linear", "logit"} <= {*found.fits, *found.reason}
    return priority(survey, scores=Figures(survey).scores, models=found if both else None)


def keep_publishable(survey: Survey, found: Drivers, by: str) -> Drivers:
    """Return the models without those of units or groups that must not be published (P2)."""
    counts = survey.frame[by].value_counts()
    few = {str(key) for key in counts.index[counts < survey.wave.min_cell]}
    return hide_keys(found, few | (Figures(survey).hidden_units if by == "unit" else set()), by)


def hide_keys(found: Drivers, hidden: set[str], by: str) -> Drivers:
    """Return the models without some keys; their reason becomes that they are hidden (P2)."""
    kept = found.frame[~found.frame[by].isin(hidden)].reset_index(drop=True)
    fits = {key: fit for key, fit in found.fits.items() if key[0] not in hidden}
    gone = {key: "hidden" for key in found.fits if key[0] in hidden}
    reasons = {key: "hidden" if key[0] in hidden else why for key, why in found.reason.items()}
    return replace(found, frame=kept, fits=fits, reason={**reasons, **gone})


def list_tables(found: Drivers, first: Priority | None, by: str) -> dict[str, pd.DataFrame]:
    """Return the tables to write; with ``by`` also the keys that have no model, with the reason."""
    if by:
        rows = [{by: key[0], "model": key[1], "reason": why} for key, why in found.reason.items()]
        missing = pd.DataFrame(rows, columns=[by, "model", "reason"])
        return {f"drivers-by-{by}": pd.concat([found.frame, missing], ignore_index=True)}
    made = {"drivers": found.frame}
    if first is None:
        return made
    if first.importance is not None:
        made["importance"] = first.importance.frame
    return {**made, "priority": first.frame, "what_if": first.what_if}
