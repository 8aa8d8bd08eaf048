"""Names of published figures: rows of ``figures.csv`` made of the published tables.

Every number that a report prints has a name, so that it can be read back from a file and compared
with the figure computed again. A name is ``kind:key``; figures of the index have no kind.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.measure.ranking import TEST_POWER

if TYPE_CHECKING:
    from sipas_analysis.explain.fitted import Note

INTERVAL_COLUMNS = ["value", "low", "high"]
FALL_COLUMNS = ["fall", "fall_low", "fall_high"]  # of a sentence whose words tell the sign
RANK_COLUMNS = ["rank", "rank_low", "rank_high", "detectable"]
FIGURE_COLUMNS = [
    "id",
    "value",
    "printed",
    "low",
    "high",
    "n",
    "n_valid",
    "numerator",
    "denominator",
    "before",
    *FALL_COLUMNS,
    *RANK_COLUMNS,
    "rule",
]
MODEL_COLUMNS = {  # figures of a model, each with its columns of ``drivers`` (value and ends)
    "linear": ("value", "low", "high"),
    "logit.points": ("points", "points_low", "points_high"),
    "logit.odds": ("odds_ratio", "odds_low", "odds_high"),
}
SHARE_COLUMNS = ("share", "share_low", "share_high")
PENALTY_COLUMNS = {
    name: (name, f"{name}_low", f"{name}_high") for name in ("penalty", "reward", "asymmetry")
}
GAIN_COLUMNS = {
    "what_if": ("points",),
    "what_if.target": ("target",),
    "what_if.outcome": ("outcome", "outcome_low", "outcome_high"),
}
POOLED_COLUMNS = {"pooled": ("pooled", "pooled_low", "pooled_high", "pooled_rank")}
ADJUSTED_COLUMNS = {"adjusted": ("adjusted", "adjusted_rank")}
COLUMN_OF_RANK = {"pooled_rank": "rank", "adjusted_rank": "rank"}


# The part of ``by_id`` that has the figures of a kind: what stands before the colon of an id.
PARTS = {
    "pair": "pairs",
    **dict.fromkeys(("linear", "logit", "share", "fit", "cut", "note"), "drivers"),
    **dict.fromkeys(("vif", "correlation"), "collinearity"),
    **dict.fromkeys(("penalty", "reward", "asymmetry"), "penalties"),
    "what_if": "what_if",
    "rule": "rules",
    **dict.fromkeys(("pooled", "adjusted", "robust", "rules"), "ranks"),
    **dict.fromkeys(("quality", "expected", "p", "straight"), "findings"),
    "people": "people",
    "incident": "incidents",
    "alpha": "reliability",
    **dict.fromkeys(
        ("forms", "ledger", "setting", "wording", "design", "units", "ranked", "letters", "needed"),
        "counts",
    ),
    **dict.fromkeys(("fewest", "most", "detectable", "pairs", "needed"), "counts"),
    "difference": "respondents",
    "change": "changes",
    "trend": "trend",
    "place": "places",
    "gap": "gaps",
    "beside": "beside",
    "plan": "plan",
    "verdict": "verdicts",
    "record": "records",
}


def make_id(variable: str, group: str, unit: str) -> str:
    """Return the name of a figure of the whole, of a group or of a unit."""
    domain = unit or (group and f"group:{group}")
    return f"{variable}@{domain}" if domain else variable


def name_rows(
    table: pd.DataFrame, key: str, kinds: Mapping[str, Sequence[str]], rule: str
) -> list[pd.DataFrame]:
    """Return one table for each kind of figure: its columns as value, low and high, with ids.

    Args:
        table: A published table.
        key: Column with the key of each row.
        kinds: Columns of the value and of the ends of its interval, by kind.
        rule: Rule in docs/method.md by which the figures are computed.
    """
    parts = []
    for kind, columns in kinds.items():
        names = [
            COLUMN_OF_RANK.get(column, end)
            for column, end in zip(columns, [*INTERVAL_COLUMNS, "rank"], strict=False)
        ]
        rows = table[[*columns]].set_axis(names, axis=1)
        parts.append(rows.assign(id=f"{kind}:" + table[key].astype(str), rule=rule))
    return parts


def share_answers(counts: pd.DataFrame, scores: pd.DataFrame, pack: Instrument) -> pd.DataFrame:
    """Return the percentage of each answer beside the figures of items, as ``answer_<level>``.

    Args:
        counts: ``unit`` (empty for the whole), ``item``, ``answer``, ``weight``.
        scores: Figures with ``unit``, ``variable`` and ``value``; hidden ones stay without shares.
        pack: The instrument: a level that nobody chose is 0.
    """
    weights: dict[tuple[str, str], dict[str, float]] = {}
    answers = counts[["unit", "item", "answer", "weight"]].itertuples(index=False, name=None)
    for unit, item, answer, weight in answers:
        nobody = dict.fromkeys((f"answer_{level}" for level in pack.scale_of(item).levels), 0.0)
        weights.setdefault((unit, item), nobody)[f"answer_{answer}"] = weight
    is_shown = scores["value"].notna() & (scores["domain"] != "group")
    keys = zip(scores["unit"], scores["variable"], is_shown, strict=True)
    rows = [weights.get((unit, item), {}) if shown else {} for unit, item, shown in keys]
    levels = sorted({level for code in pack.rated_codes for level in pack.scale_of(code).levels})
    columns = [f"answer_{level}" for level in levels]  # also where every answer is hidden
    table = pd.DataFrame(rows, scores.index, dtype=float).reindex(columns=columns)
    return scores.join(100 * table.div(table.sum(axis=1), axis=0))


def identify_pairs(pairs: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the differences of units with their ids, and which the sample can tell (rule R2)."""
    power = NormalDist().inv_cdf(TEST_POWER)
    detectable = pairs["high"] - pairs["value"] + power * pairs["se"]
    ids = "pair:" + pairs["unit"] + "~" + pairs["other"]
    return [turn_round(pairs).assign(id=ids, detectable=detectable.astype(float), rule="R2")]


def identify_respondents(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the index of each group of respondents, then the differences, with their ids."""
    ids = "overall@" + table["unit"].astype(str)
    differences = table[[f"difference{end}" for end in ("", "_low", "_high")]]
    named = differences.set_axis(INTERVAL_COLUMNS, axis=1).assign(id="difference:" + ids)
    return [table.assign(id=ids, rule="P2"), named.assign(rule="I7").dropna()]


def identify_places(places: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the possible places of each item, of the whole ("") and of each unit (rule R6).

    ``place:lowest`` is the number of items that may be the lowest.
    """
    parts = []
    for unit, table in places.items():
        if table.empty:  # every item is hidden
            continue
        ids = [make_id(f"place:{code}", "", unit) for code in table["variable"]]
        n_lowest = float((table["rank_low"] == 1).sum())
        parts += [
            table.assign(id=ids, rule="R6"),
            *identify_numbers({make_id("place:lowest", "", unit): n_lowest}, "R6"),
        ]
    return parts


def identify_gaps(gaps: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the difference of each unit, factor and item from the index, with its id."""
    keys = zip(gaps["variable"], gaps["unit"], strict=True)
    ids = [make_id(f"gap:{variable}", "", unit) for variable, unit in keys]
    return [turn_round(gaps).assign(id=ids, rule="R7")]


def identify_beside(scores: pd.DataFrame, codes: Sequence[str]) -> list[pd.DataFrame]:
    """Return how far figures of each unit lie from those of its group, with their ids.

    Both figures are published, so their difference tells nothing new. The ends hold the larger of
    errors: the difference is beyond 0 only where the two published intervals do not meet.
    """
    shown = scores[scores["variable"].isin([*codes]) & scores["value"].notna()]
    units = shown[shown["domain"] == "unit"]
    groups = shown[shown["domain"] == "group"].set_index(["group", "variable"])
    keys = pd.MultiIndex.from_frame(units[["group", "variable"]].fillna(""))
    value, low, high = (
        groups[name].reindex(keys).to_numpy(dtype=float) for name in INTERVAL_COLUMNS
    )
    rows = units[["variable", "unit"]].assign(
        value=units["value"] - value, low=units["low"] - high, high=units["high"] - low
    )
    ids = "beside:" + rows["variable"] + "@" + rows["unit"]
    return [turn_round(rows).assign(id=ids, rule="R7").dropna(subset="value")]


def turn_round(differences: pd.DataFrame) -> pd.DataFrame:
    """Return differences beside themselves turned round: how far a figure fell, or lies below."""
    turned = -differences[INTERVAL_COLUMNS].astype(float)
    return differences.assign(**dict(zip(FALL_COLUMNS, turned.to_numpy().T, strict=True)))


def identify_drivers(drivers: pd.DataFrame, shares: pd.DataFrame) -> list[pd.DataFrame]:
    """Return coefficients of each model, then shares of importance, with their ids."""
    parts = []
    for name, columns in MODEL_COLUMNS.items():
        rows = drivers[drivers["model"] == name.partition(".")[0]]
        parts += name_rows(rows, "variable", {name: columns}, "D1")
    percent = shares.assign(**{name: 100 * shares[name].astype(float) for name in SHARE_COLUMNS})
    return [*parts, *name_rows(percent, "variable", {"share": SHARE_COLUMNS}, "D3")]


def describe_models(
    n: int, n_lost: int, r_squared: float, notes: "Sequence[Note]"
) -> dict[str, float]:
    """Return by id what a report states of the models: forms, fit, and numbers in warnings."""
    in_notes = {
        f"note:{note.id}:{name}": float(str(value))
        for note in notes
        for name, value in note.fields.items()
        if re.fullmatch(r"-?\d+(\.\d+)?", str(value))
    }
    return {"fit:forms": n, "fit:lost": n_lost, "fit:r_squared": 100 * r_squared, **in_notes}


def identify_collinearity(factors: pd.DataFrame, correlations: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the variance inflation of each factor and all correlations, with their ids."""
    vifs = zip(factors["variable"], factors["vif"].to_numpy(dtype=float), strict=True)
    numbers = {f"vif:{code}": vif for code, vif in vifs}
    names = [*map(str, correlations.columns)]
    for code, row in zip(names, correlations.to_numpy(dtype=float).tolist(), strict=True):
        numbers |= {f"correlation:{code}~{o}": r for o, r in zip(names, row, strict=True)}
    return identify_numbers(numbers, "D2")


def identify_findings(findings: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the numbers of each finding of the form checks, with their ids."""
    keys = "quality:" + findings["fact"].astype(str) + "@" + findings["unit"].astype(str)
    counted = pd.DataFrame(
        {
            "id": keys,
            "value": findings["share_percent"],
            "low": findings["low"],
            "numerator": findings["count"],
            "denominator": findings["n"],
        }
    )
    expected = pd.DataFrame({"id": "expected:" + keys, "value": findings["expected_percent"]})
    p = pd.DataFrame({"id": "p:" + keys, "value": findings["p_holm"]})
    named = [table.drop_duplicates("id") for table in (counted, expected, p)]
    return [table.assign(rule=findings["rule"]) for table in named]


def identify_rules(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return factors and index under each rule with their ids (rule M8)."""
    ids = "rule:" + table["rule"].astype(str) + ":" + table["variable"].astype(str)
    return [table.assign(id=ids, rule="M8")]


def identify_ranks(fair: pd.DataFrame, by_rule: pd.DataFrame) -> list[pd.DataFrame]:
    """Return pooled and adjusted indices, and ranks under other rules (rules A1, A2, R4, R5)."""
    percent = fair.assign(
        **{name: 100 * fair[name] for name in ("borrowed", "chance") if name in fair}
    )
    ends = by_rule[["unit", "rank_best", "rank_worst"]]
    parts = [] if fair.empty else name_rows(percent, "unit", POOLED_COLUMNS, "A2")
    if len(fair):
        kinds = {"pooled.borrowed": ["borrowed"], "pooled.chance": ["chance"]}
        parts += name_rows(percent, "unit", kinds, "R4")
        adjusted = percent[percent["adjusted"].notna()]
        parts += name_rows(adjusted, "unit", ADJUSTED_COLUMNS, "A1")
    named = ends.rename(columns={"rank_best": "rank_low", "rank_worst": "rank_high"})
    n_rules = len(
        by_rule.columns.drop(["group", "unit", "rank", "rank_best", "rank_worst", "share"])
    )
    parts += identify_numbers({"rules:ranked": n_rules}, "R5")
    return [*parts, named.assign(id="robust:" + ends["unit"].astype(str), rule="R5")]


def identify_numbers(numbers: Mapping[str, float | None], rule: str = "") -> list[pd.DataFrame]:
    """Return single numbers, by id."""
    rows = [{"id": name, "value": value, "rule": rule} for name, value in numbers.items()]
    return [pd.DataFrame(rows)]


def concat_figures(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all parts with the columns of ``figures.csv``."""
    tables = [part for part in parts if len(part)]
    answers = dict.fromkeys(
        name for part in tables for name in part if str(name).startswith("answer_")
    )
    columns = [*FIGURE_COLUMNS[:-1], *answers, FIGURE_COLUMNS[-1]]
    named = [part.reindex(columns=columns) for part in tables]
    return pd.concat(named, ignore_index=True) if named else pd.DataFrame(columns=columns)
