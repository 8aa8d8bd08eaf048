"""An honest official with hard files is not accused; one who is late again is found (rule T6).

More offices: benchmarks/late_again.py; the result stands in docs/method.md.
"""

from collections import Counter

import pytest
from late_files import OFFICES, simulate_cells
from scipy.stats import binom
from sizes import sizes

from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.records.late_again import compare_officials, read_late_rules

RULES = read_late_rules()


def count_flags(office, n, seed=0):
    """Return in how many offices an official is above the funnel, also without the worst week.

    ``honest``: the one with hard files; ``late``: ``h1``; ``any_other``: one who is not late.
    ``late_or_unsure``: ``h1`` is, or it cannot be told. ``honest_by_plain_rates``: a funnel of
    plain rates, which knows no hard files, accuses the honest one.
    """
    counts = Counter()
    for at in range(n):
        table = compare_officials(simulate_cells(office, seed + at), RULES).set_index("handler")
        is_above = table["steady_percent"] > table["high_percent"]
        is_unsure = table["steady_percent"] > table["chance_percent"]
        planted = [f"h{place}" for place in range(office.n_late + 1)]
        counts["honest"] += bool(is_above["h0"])
        counts["late"] += bool(is_above["h1"])
        counts["late_or_unsure"] += bool(is_unsure["h1"])
        counts["any_other"] += bool(is_above.drop(planted).any())
        mean = table["late"].sum() / table["n"].sum()
        tail = binom.sf(table.loc["h0", "late"] - 1, table.loc["h0", "n"], mean)
        counts["honest_by_plain_rates"] += bool(tail < 0.05 / len(table))
    return counts


@pytest.mark.slow
@sizes("n", 30, 500)
def test_the_honest_official_is_not_accused_and_the_late_one_is_found(n):
    """A funnel of plain rates accuses the honest one."""
    counts = count_flags(OFFICES["as described"], n)
    assert counts["honest_by_plain_rates"] > 0.75 * n
    assert counts["honest"] <= 0.05 * n
    assert counts["late"] >= 0.65 * n
    assert counts["late_or_unsure"] >= 0.85 * n
    assert exact_interval(counts["any_other"], n)[0] <= 0.05


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in OFFICES if name != "as described"])
def test_no_kind_of_office_accuses_the_honest_official(name):
    """At most 5 % of 500 offices, however much officials and sections differ."""
    counts = count_flags(OFFICES[name], 500, seed=1000)
    assert counts["honest"] <= 25
    assert exact_interval(counts["any_other"], 500)[0] <= 0.05
