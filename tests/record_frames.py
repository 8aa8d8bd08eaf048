"""Hand-made tables of an office's records beside a survey, for tests of reports."""

from copy import copy
from dataclasses import replace

import pandas as pd

from sipas_analysis.collect.record_sources import RecordSources
from sipas_analysis.figures.published import Figures
from sipas_analysis.figures.record_figures import RULES, RecordFigures
from sipas_analysis.figures.record_rules import list_record_rules
from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.reports.subject import Subject

SHARED = {}
NAN = float("nan")
PERCENT = "on_time_percent"
STEPS = ("Tiếp nhận", "Thụ lý", "Yêu cầu bổ sung", "Thẩm định", "Ký duyệt", "Trả kết quả")
WAYS = [(0, 1, 900), (1, 2, 80), (2, 1, 80), (1, 3, 800), (3, 4, 790), (4, 5, 780), (3, 1, 40)]
SLOWEST = 3
CHANNELS = ("online", "online_full", "online_partial", "post_intake", "post_return")


class HandMade(RecordFigures):
    """Figures of records whose tables are given."""

    def table(self, name):
        """Return a table, or one without rows."""
        return self.source.get(name, pd.DataFrame({"key": []}))

    @property
    def tables(self):
        """All tables."""
        return self.source

    def list_rules(self):
        """Return the rules with the calendar of one year."""
        return list_record_rules(read_calendar([2021]))


def make_subject(survey, tables, unit=""):
    """Return the subject of a survey whose wave has records with these tables."""
    assert {*tables} <= {*RULES}
    if id(survey) not in SHARED:  # what the forms tell is computed once
        sources = RecordSources(dossiers="dossiers.csv")
        wave = survey.wave.model_copy(update={"records": sources})
        SHARED[id(survey)] = Figures(replace(survey, wave=wave))
        _ = SHARED[id(survey)].by_variable("all"), SHARED[id(survey)].marks
    figures = copy(SHARED[id(survey)])
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    vars(figures)["records"] = HandMade(frames)
    return Subject(figures, unit)


def count_dossiers(key, domain, done=1000, late=50, **others):
    """Return a row of the table of timeliness."""
    share = 100 * (done - late) / done if done else NAN
    counts = {"received": done + 90, "carried_over": 20, "done": done, "late": late}
    counts |= {"running": 60, "overdue": 15, "waiting": 20, "withdrawn": 10, "contradictory": 3}
    ends = {PERCENT: share, f"{PERCENT}_low": share - 2, f"{PERCENT}_high": share + 1}
    official = {"official_percent": share + 1.5, "gap_points": 1.5}
    gaps = {"gap_waiting": 1.0, "gap_withdrawn": 0.5, "median_days_late": 2.5}
    return {"key": key, "domain": domain, **counts, **ends, **official, **gaps, **others}


def list_steps(names=STEPS, is_sure=True):
    """Return the rows of the table of steps: the fourth takes most."""
    rows = []
    for k, name in enumerate(names):
        share = 40.0 if k == SLOWEST else 3.0 * k
        times = {"median_hours": 2.0 * k + 1, "p90_hours": 6.0 * k + 3, "wait_hours": 1.0}
        times["pause_hours"] = NAN
        ends = {"share_of_limit_percent_low": share - 1, "share_of_limit_percent_high": share + 1}
        ends |= {
            "share_of_limit_percent": share,
            "is_candidate": float(k == SLOWEST or not is_sure),
        }
        row = {"label": name, "dossiers": 900 - k, "loops": k, **times, **ends}
        rows.append({"key": f"step:{k + 1}", "domain": "step", **row})
        rows.append({"key": f"section:{k + 1}", "domain": "section", "section": "Phòng A", **row})
    ways = [{"label": names[start], "section": names[end], "dossiers": n} for start, end, n in WAYS]
    passages = [{"key": f"way:{k}", "domain": "way", **way} for k, way in enumerate(ways, 1)]
    return [*rows, *passages]


def list_tables(units, groups=("departments", "districts"), steps=STEPS):
    """Return a table of each kind for some units and groups."""
    keys = [("all", "all", ""), *((unit, "unit", unit) for unit in units)]
    named = [{"key": key, "domain": domain, "unit": unit} for key, domain, unit in keys]
    channels = {f"{name}_percent": 41.25 for name in CHANNELS}
    channels |= {f"{name}_base": 1000 for name in CHANNELS}
    petitions = {"received": 40, "open": 12, "overdue": 5, PERCENT: 62.5, "reopened": 3}
    petitions |= {"on_time": 20, "late": 7}
    publication = {
        "procedures": 120,
        "score": 88.0,
        "unchecked": 0,
        "late": 9,
        "median_days_late": 4.0,
    }
    publication |= {f"{name}_percent": 90.0 for name in ("place", "form", "content")}
    forms = {
        "forms_base": 400,
        "forms_percent": 2.5,
        "forms_percent_low": 2.0,
        "forms_percent_high": 3.0,
    }
    forms |= {"gap_points": -1.5, "gap_points_low": -2.0, "gap_points_high": -1.0}
    return {
        "timeliness": [
            *(
                count_dossiers(key, domain, late=50 + 7 * k, unit=unit)
                for k, (key, domain, unit) in enumerate(keys)
            ),
            *(count_dossiers(f"group:{group}", "group", group=group) for group in groups),
        ],
        "steps": list_steps(steps),
        "channels": [row | channels for row in named],
        "petitions": [row | petitions | {"backlog_median_days": 15.0} for row in named],
        "publication": [row | publication for row in named],
        "coverage": [
            {"key": f"coverage:{k}", "domain": "groups", "label": code, "verdict": "less"}
            | {"expected_percent": 4.0, **forms}
            for k, code in enumerate(("NCC", "HN", "HCN", "HKK", "DTTS"), 1)
        ],
    }
