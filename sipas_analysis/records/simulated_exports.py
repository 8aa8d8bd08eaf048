"""Write the fictitious dossiers and movements as a one-stop system would export them.

Stamps are read from the working calendar: a dossier is received at some working second, and each
step ends so many working seconds later. What happens after the period is not in the export.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.collect.simulate import Demo, Flags, Levels, Shares
from sipas_analysis.records.calendar import Calendar, Stamps, read_calendar
from sipas_analysis.records.simulated_work import (
    GRID,
    HOUR,
    Draft,
    Texts,
    draft_dossiers,
    read_truths,
)

SURPLUS = 1.5  # dossiers drawn for each that is kept: some end before the period
DAY = np.timedelta64(1, "D")
MISSING = np.datetime64("NaT", "s")
NEW, REFUSED, IN_HAND, WITHDRAWN, FINISHED, RETURNED = "1", "3", "4", "7", "9", "10"


@dataclass(frozen=True)
class Course:
    """How the steps of dossiers lie in time; matrices have one column for each step.

    Attributes:
        begins: When each step starts; missing where it has not started in the period.
        stops: When it ends; missing where it has not ended.
        received: When each dossier was received; missing where it was not.
        finished: When its result was ready.
        promised: The day of the result that was promised.
        due: That day and the working time of its pauses.
        states: Code of its state at the end of the period.
    """

    begins: Stamps
    stops: Stamps
    received: Stamps
    finished: Stamps
    promised: Stamps
    due: Stamps
    states: Texts

    @property
    def is_late(self) -> Flags:
        """Whether each dossier was finished after it was due."""
        return np.asarray(self.finished > self.due)


@dataclass(frozen=True)
class Exports:
    """The fictitious exports of a wave, with the national headers.

    Attributes:
        dossiers: One row a dossier.
        movements: One row for each stay of a dossier in a step, in their order.
        days_late: By code of each finished dossier without fault, days after it was due; negative
            before.
    """

    dossiers: pd.DataFrame
    movements: pd.DataFrame
    days_late: "pd.Series[float]"


def simulate_exports(demo: Demo, forms: pd.DataFrame) -> Exports:
    """Make the dossiers and movements of a fictitious wave.

    Args:
        demo: The wave; the period is its year.
        forms: Its forms as text: the tempo of a unit goes with what they say.

    Returns:
        The same rows for the same wave.
    """
    wave = demo.plan["wave"]
    rng, year = np.random.Generator(np.random.PCG64([wave["seed"], 21])), wave["year"]
    calendar = read_calendar([year - 1, year, year + 1])
    draft = draft_dossiers(demo, forms, round(SURPLUS * read_truths()["dossiers"]), rng)
    draft, arrivals = _keep_period(draft, calendar, year, rng)
    course = _set_course(draft, arrivals, calendar, year)
    dossiers = _describe_dossiers(demo, draft, course, calendar, rng)
    movements = _describe_movements(dossiers["MaHoSo"], draft, course, rng)
    days_late = pd.Series((course.finished - course.due) / DAY, dossiers["MaHoSo"]).dropna()
    faulty = _plant_faults(dossiers, course, rng)
    wrong = faulty["MaHoSo"].duplicated() | faulty["NgayKetThucXuLy"].isna()
    wrong |= faulty["NgayKetThucXuLy"] < faulty["NgayTiepNhan"]
    wrong |= ~faulty["TrangThaiHoSoId"].isin([FINISHED, RETURNED])
    return Exports(faulty, movements, days_late.drop(faulty["MaHoSo"][wrong], errors="ignore"))


def _keep_period(
    draft: Draft, calendar: Calendar, year: int, rng: np.random.Generator
) -> tuple[Draft, Levels]:
    """Return the dossiers that do not end before the period, by unit and arrival, with arrivals.

    An arrival is a number of working seconds of the calendar.
    """
    truths = read_truths()
    first, last = np.array([f"{year}-01-01", f"{year + 1}-01-01"], dtype="datetime64[s]")
    earliest = first - truths["lead_days"] * DAY
    low, start, high = calendar.count_seconds(np.array([earliest, first, last])).astype(np.int64)
    arrivals = low + GRID * rng.integers(0, (high - low) // GRID, len(draft.dossiers))
    ends = arrivals + (draft.work + draft.waits).sum(axis=1)
    is_new = arrivals >= start
    kept = np.flatnonzero(is_new | ((ends >= start) & draft.is_taken.any(axis=1)))
    kept = kept[: truths["dossiers"]]
    order = np.lexsort((arrivals[kept], draft.dossiers["unit_number"].to_numpy()[kept]))
    kept = kept[order]
    chosen = Draft(
        draft.dossiers.iloc[kept].reset_index(drop=True),
        draft.work[kept],
        draft.waits[kept],
        draft.is_taken[kept],
        draft.sections[kept],
        draft.handlers[kept],
    )
    return chosen, arrivals[kept]


def _set_course(draft: Draft, arrivals: Levels, calendar: Calendar, year: int) -> Course:
    """Return when each step starts and ends, as far as it does so in the period."""
    high = int(calendar.count_seconds(f"{year + 1}-01-01"))
    ends = arrivals[:, None] + np.cumsum(draft.waits + draft.work, axis=1)
    starts = ends - draft.work
    received = calendar.find_by_seconds(arrivals)
    is_new = (draft.dossiers["channel"] == "online").to_numpy() & (arrivals > high - 16 * HOUR)
    is_in = ~is_new & (draft.dossiers["end"] != "refused").to_numpy()
    has_begun = draft.is_taken & (starts < high) & is_in[:, None]
    has_ended = has_begun & (ends < high)
    begins = np.where(has_begun, calendar.find_by_seconds(starts), MISSING)
    stops = np.where(has_ended, calendar.find_by_seconds(ends), MISSING)
    received = np.where(is_in, received, MISSING)
    finished = stops[:, [step["state"] for step in read_truths()["steps"]].index(9) - 1]
    promised = find_promised(draft.dossiers, received, calendar)
    is_pause = np.array(["pause" in step for step in read_truths()["steps"]])
    paused = (draft.work * has_ended * is_pause).sum(axis=1)
    due = calendar.find_by_seconds(calendar.count_seconds(promised) + paused)
    states = _find_states(draft, has_begun, has_ended)
    states[is_new] = NEW
    states[~np.isnat(finished) & (states == IN_HAND)] = FINISHED
    return Course(begins, stops, received, finished, promised, due, states)


def _find_states(draft: Draft, has_begun: Flags, has_ended: Flags) -> Texts:
    """Return the state of each dossier: that of its step in hand, else of what comes next."""
    steps = np.array([str(step["state"]) for step in read_truths()["steps"]], dtype=object)
    ends = draft.dossiers["end"].to_numpy()
    is_open = has_begun & ~has_ended
    in_hand = steps[np.argmax(is_open, axis=1)]
    is_done = (has_ended == draft.is_taken).all(axis=1)
    at_end = pd.Series(ends).map({"finished": RETURNED, "withdrawn": WITHDRAWN}).fillna(IN_HAND)
    states = np.where(is_open.any(axis=1), in_hand, np.where(is_done, at_end, IN_HAND))
    return np.where(ends == "refused", REFUSED, states).astype(object)


def find_promised(dossiers: pd.DataFrame, received: Stamps, calendar: Calendar) -> Stamps:
    """Return the promised end of each dossier: its limit counted from the day of receipt."""
    start = calendar.start_after_cutoff(received)
    day = start.astype("datetime64[D]")
    limit = pd.to_numeric(dossiers["limit"]).fillna(0).to_numpy().astype(np.int64)
    month = day.astype("datetime64[M]")
    in_months = (month + limit).astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
    ends = {
        "Giờ": calendar.find_by_seconds(calendar.count_seconds(start) + HOUR * limit),
        "Ngày làm việc": calendar.find_by_days(np.floor(calendar.count_days(day)) + 1 + limit),
        "Ngày": calendar.find_day_end(day + limit * DAY),
        "Tháng": calendar.find_day_end(in_months),
    }
    units = dossiers["unit"].to_numpy()
    return np.select([units == unit for unit in ends], [*ends.values()], MISSING)


def _describe_dossiers(
    demo: Demo, draft: Draft, course: Course, calendar: Calendar, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the dossiers with the national headers; their code names unit, day and number."""
    rows = draft.dossiers
    submitted = _draw_submitted(draft, course, demo.plan["wave"]["year"], rng)
    is_moved = course.is_late & (rng.random(len(rows)) < read_truths()["promise_moved"])
    moved = calendar.find_day_end(course.finished.astype("datetime64[D]"))
    names = demo.units["name_vi"].to_numpy(dtype=object)
    field, _ = pd.factorize(rows["field"], sort=True)
    was_handled = ~np.isnat(course.begins[:, 2])
    stamps = {
        "NgayNopHoSo": submitted,
        "NgayTiepNhan": course.received,
        "NgayHenTra": np.where(is_moved, moved, course.promised),
        "NgayKetThucXuLy": course.finished,
        "NgayTra": np.where(course.states == RETURNED, course.stops[:, -2], MISSING),
        "NgayTuChoi": np.where(course.states == REFUSED, submitted, MISSING),
    }
    texts = {
        "DonViQuanLy": names[rows["unit_number"]],
        "MaTTHC": rows["code"],
        "TenTTHC": rows["name"],
        "MaLinhVuc": "LV." + pd.Series(field + 1).astype(str).str.zfill(2),
        "TenLinhVuc": rows["field"],
        "TrangThaiHoSoId": course.states,
        "ThoiGianThucHien": rows["limit"].astype(str),
        "LoaiThoiGianThucHien": rows["unit"],
        "NguoiNhanHoSo": np.where(np.isnat(course.received), "", draft.handlers[:, 0]),
        "NguoiDaXuLy": np.where(was_handled, draft.handlers[:, 2], ""),
    }
    frame = pd.DataFrame({"MaHoSo": _number_dossiers(rows, submitted), **texts, **stamps})
    return frame.join(_draw_facts(draft, course, rng))


def _number_dossiers(rows: pd.DataFrame, submitted: Stamps) -> "pd.Series[str]":
    """Return the code of each dossier, made of unit, day of submission and a number."""
    day = pd.Series(submitted).dt.strftime("%y%m%d")
    unit = (rows["unit_number"] + 1).astype(str).str.zfill(2)
    number = rows.groupby([rows["unit_number"], day]).cumcount() + 1
    codes: pd.Series[str] = "H01." + unit + "-" + day + "-" + number.astype(str).str.zfill(3)
    return codes


def _draw_submitted(draft: Draft, course: Course, year: int, rng: np.random.Generator) -> Stamps:
    """Return when each dossier was sent: at the counter when received, online before that."""
    n = len(draft.dossiers)
    is_online = (draft.dossiers["channel"] == "online").to_numpy()
    is_evening = is_online & (rng.random(n) < read_truths()["out_of_hours"])
    known = np.where(
        np.isnat(course.received), np.datetime64(f"{year}-12-31T14:00:00"), course.received
    )
    evening = known.astype("datetime64[D]") - DAY + np.timedelta64(19 * HOUR, "s")
    evening = evening + GRID * rng.integers(0, 36, n)
    before = known - GRID * rng.integers(1, 12, n)
    return np.where(is_evening, evening, np.where(is_online, before, known))


def _draw_facts(draft: Draft, course: Course, rng: np.random.Generator) -> pd.DataFrame:
    """Draw channel, applicant, level, return, payment, groups and visits of each dossier."""
    truths, n = read_truths(), len(draft.dossiers)
    channel = draft.dossiers["channel"]
    is_online = (channel == "online").to_numpy()
    level = _draw(truths["level"], n, rng)
    visits = _draw(truths["visits"], n, rng).astype(int) + (draft.is_taken[:, 3] > 0)
    is_returned = course.states == RETURNED
    shares = {**truths["vulnerable"]}
    missed = truths["truths"]["group_not_reached"]
    shares[missed["code"]] = missed["among_dossiers"]
    groups = pd.DataFrame({code: rng.random(n) < share for code, share in shares.items()})
    return pd.DataFrame(
        {
            "KenhThucHien": channel.map(truths["codes"]),
            "LoaiDoiTuong": np.where(rng.random(n) < truths["organisation"], "Tổ chức", "Cá nhân"),
            "HinhThucTra": np.where(is_returned, _draw(truths["returned"], n, rng), ""),
            "MucDo": np.where(is_online & (level == "2"), "3", level),
            "DuocThanhToanTrucTuyen": (is_online & (rng.random(n) < truths["paid_online"])) * 1,
            "HoSoCoThanhPhanSoHoa": (rng.random(n) < truths["digitised"]) * 1,
            "DoiTuongUuTien": _join_groups(groups),
            "SoLanDenCoQuan": np.where(is_online, 0, visits),
        }
    ).astype(str)


def _join_groups(groups: pd.DataFrame) -> "pd.Series[str]":
    """Return the codes of the groups of each person, one after the other."""
    joined = pd.Series("", groups.index)
    for code in groups:
        joined = joined.where(~groups[code], joined + ";" + str(code))
    return joined.str.lstrip(";")


def _draw(shares: Shares, n: int, rng: np.random.Generator) -> Texts:
    """Draw ``n`` words with the given shares."""
    return rng.choice(np.array([*shares], dtype=object), n, p=[*shares.values()])


def _describe_movements(
    codes: "pd.Series[str]", draft: Draft, course: Course, rng: np.random.Generator
) -> pd.DataFrame:
    """Return one row for each stay of a dossier in a step, with the national headers.

    As in some exports, a step has no end of its own where the next one starts at that moment.
    """
    truths = read_truths()
    dossier, step = np.nonzero(~np.isnat(course.begins))
    steps = pd.DataFrame(truths["steps"])
    rows = pd.DataFrame(
        {
            "MaHoSo": codes.to_numpy()[dossier],
            "TenBuoc": steps["name"].to_numpy()[step],
            "PhongBan": draft.sections[dossier, step],
            "NguoiXuLy": draft.handlers[dossier, step],
            "TrangThaiHoSoId": steps["state"].astype(str).to_numpy()[step],
            "NgayBatDau": course.begins[dossier, step],
            "NgayKetThuc": course.stops[dossier, step],
        }
    )
    follows = rows["NgayBatDau"].shift(-1).where(rows["MaHoSo"] == rows["MaHoSo"].shift(-1))
    rows["NgayKetThuc"] = rows["NgayKetThuc"].mask(rows["NgayKetThuc"] == follows)
    given = truths["reason_given"]
    chance = np.where(course.is_late[dossier], given["late"], given["other"])
    late = truths["truths"]["late_official"]
    is_planted = (draft.dossiers["agency"] == late["unit"]).to_numpy()[dossier]
    is_planted &= (rows["PhongBan"] == late["section"]) & rows["NguoiXuLy"].str.endswith(
        f"0{late['official']}"
    )
    chance = np.where(is_planted & course.is_late[dossier], late["reason_given"], chance)
    is_own = (steps["section"] == "own").to_numpy()[step] & (rows["TrangThaiHoSoId"] == IN_HAND)
    is_given = is_own & (rng.random(len(rows)) < chance)
    rows["LyDo"] = np.where(is_given, _draw(truths["reasons"], len(rows), rng), "")
    return rows


def _plant_faults(dossiers: pd.DataFrame, course: Course, rng: np.random.Generator) -> pd.DataFrame:
    """Return the dossiers with a few contradicting stamps and repeated rows."""
    faults = read_truths()["faults"]
    returned = rng.permutation(np.flatnonzero(course.states == RETURNED))
    kinds = ("finished_before_received", "no_finish", "reopened", "repeated_rows")
    ends = np.cumsum([faults[kind] for kind in kinds])
    before, missing, reopened, repeated = np.split(returned[: ends[-1]], ends[:-1])
    faulty = dossiers.copy()
    faulty.loc[reopened, "TrangThaiHoSoId"] = IN_HAND
    faulty.loc[reopened, "NgayTra"] = pd.NaT
    wrong = faulty.loc[before, "NgayTiepNhan"] - pd.Timedelta(days=2)
    faulty.loc[before, "NgayKetThucXuLy"] = wrong
    faulty.loc[missing, "NgayKetThucXuLy"] = pd.NaT
    return pd.concat([faulty, faulty.loc[np.sort(repeated)]], ignore_index=True)
