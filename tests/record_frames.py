"""Hand-made tables of an office's records beside a real survey, for tests of reports."""

from dataclasses import replace

import pandas as pd

from sipas_analysis.collect.record_sources import RecordSources
from sipas_analysis.figures.published import Figures
from sipas_analysis.figures.record_figures import RULES, RecordFigures
from sipas_analysis.reports.subject import Subject

NAN = float("nan")
PERCENT = "on_time_percent"


class HandMade(RecordFigures):
    """Figures of records whose tables are given."""

    def table(self, name):
        """Return a table, or one without rows."""
        return self.source.get(name, pd.DataFrame({"key": []}))


def make_subject(survey, tables, unit=""):
    """Return the subject of a survey whose wave has records with these tables."""
    sources = RecordSources(dossiers="dossiers.csv")
    survey = replace(survey, wave=survey.wave.model_copy(update={"records": sources}))
    figures = Figures(survey)
    known = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    assert {*known} <= {*RULES}
    vars(figures)["records"] = HandMade(survey, known)
    return Subject(figures, unit)


def count_dossiers(key, domain, *, unit="", group="", done=1000, late=50, **others):
    """Return a row of the table of timeliness."""
    share = 100 * (done - late) / done if done else NAN
    row = {
        **{"key": key, "domain": domain, "unit": unit, "group": group},
        **{"received": done + 90, "carried_over": 20, "done": done, "late": late},
        **{"early": 0, "on_time": done - late, "running": 60, "overdue": 15, "in_time": 45},
        **{"waiting": 20, "withdrawn": 10, "contradictory": 3, "median_days_late": 2.5},
        **{PERCENT: share, f"{PERCENT}_low": share - 2, f"{PERCENT}_high": share + 1},
        **{"official_percent": share + 1.5, "gap_points": 1.5},
        **{"gap_waiting": 1.0, "gap_withdrawn": 0.5},
    }
    return row | others


STEP_NAMES = ("Tiếp nhận", "Thụ lý", "Yêu cầu bổ sung", "Thẩm định", "Ký duyệt", "Trả kết quả")
WAYS = [(1, 2, 900), (2, 3, 80), (3, 2, 80), (2, 4, 800), (4, 5, 790), (5, 6, 780), (4, 2, 40)]


def list_step_rows(names=STEP_NAMES):
    """Return the rows of the table of steps: the fourth takes most."""
    steps = [
        {
            **{"key": f"step:{k}", "domain": "step", "label": name, "section": "Phòng chuyên môn"},
            **{"dossiers": 900 - k, "position": float(k), "median_hours": 2.0 * k},
            **{"p90_hours": 6.0 * k, "wait_hours": 1.0, "loops": k},
            **{"share_of_limit_percent": 40.0 if k == 4 else 3.0 * k},
            **{"share_of_limit_percent_low": 38.0 if k == 4 else 2.0 * k},
            **{"share_of_limit_percent_high": 42.0 if k == 4 else 4.0 * k},
            "is_candidate": float(k == 4),
        }
        for k, name in enumerate(names, 1)
    ]
    ways = [
        {
            **{"key": f"way:{start}-{end}", "domain": "way", "dossiers": n},
            **{"group": f"step:{start}", "section": f"step:{end}"},
        }
        for start, end, n in WAYS
    ]
    return steps + ways


def list_tables(units, group="departments"):
    """Return a table of each kind for some units."""
    channels = {
        f"{name}_{part}": number
        for name in ("online", "online_full", "online_partial", "post_intake", "post_return")
        for part, number in (("percent", 41.25), ("base", 1000), ("n", 412))
    }
    petitions = {"received": 40, "open": 12, "overdue": 5, PERCENT: 71.0, "reopened": 3}
    publication = {"procedures": 120, "score": 88.0, "late": 9, "median_days_late": 4.0}
    publication |= {f"{name}_percent": 90.0 for name in ("place", "form", "content")}
    keys = [("all", "all", ""), *((unit, "unit", unit) for unit in units)]
    named = [{"key": key, "domain": domain, "unit": unit} for key, domain, unit in keys]
    groups = [(group, 900, 40), ("districts", 100, 10)]
    return {
        "timeliness": [
            *(count_dossiers(k, d, unit=u, late=50 + 7 * n) for n, (k, d, u) in enumerate(keys)),
            *(
                count_dossiers(f"group:{code}", "group", group=code, done=n, late=n_late)
                for code, n, n_late in groups
            ),
        ],
        "steps": list_step_rows(),
        "channels": [row | channels for row in named],
        "petitions": [row | petitions | {"backlog_median_days": 15.0} for row in named],
        "publication": [row | publication for row in named],
    }
