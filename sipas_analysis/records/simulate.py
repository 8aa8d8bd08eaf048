"""Write the demo with its fictitious records: exports, petitions, publication and joined forms.

Some forms carry the code of a dossier of their unit. Which dossier goes with which form is chosen
by the answers, so that days late explain a planted part of them; no answer is changed.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect import simulate as survey_demo
from sipas_analysis.collect.simulate import DOSSIER_HEADER, Demo, simulate_forms
from sipas_analysis.errors import OutputError
from sipas_analysis.files import write_whole
from sipas_analysis.infer.form_files import open_database
from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.simulated_exports import Exports, simulate_exports
from sipas_analysis.records.simulated_work import list_procedures, read_truths

FOLDER = "records"
STAMP, DAY = "%d/%m/%Y %H:%M:%S", "%d/%m/%Y"
FAST, SMALL = 3, 19  # levels of zstd
COPY = """COPY (SELECT * FROM export) TO '{path}' (FORMAT parquet, COMPRESSION zstd,
    COMPRESSION_LEVEL {level}, DICTIONARY_SIZE_LIMIT 1000, ROW_GROUP_SIZE 1000000)"""


def write_demo(demo: Demo, folder: Path, *, replace: bool = False, level: int = FAST) -> Path:
    """Write a fictitious wave with its records, where its facts name records.

    Args:
        demo: The wave, from ``build_demo``.
        folder: Folder for the files; made if missing.
        replace: Whether existing files may be replaced.
        level: How hard zstd tries to make the exports small, 1 to 22; the rows are the same.

    Returns:
        The path of ``wave.yaml``. The same name and units give the same bytes.

    Raises:
        OutputError: The folder cannot be written, or already contains a wave.
    """
    if "records" not in demo.plan["wave"]:
        return survey_demo.write_demo(demo, folder, replace=replace)
    if (folder / FOLDER).exists() and not replace:
        raise OutputError("exists", path=folder / FOLDER)
    forms = simulate_forms(demo)
    exports = simulate_exports(demo, forms)
    joined = join_dossiers(demo, forms, exports)
    path = survey_demo.write_demo(demo, folder, forms=joined, replace=replace)
    (folder / FOLDER).mkdir(exist_ok=True)
    for name, frame in (("dossiers", exports.dossiers), ("movements", exports.movements)):
        _write_parquet(frame, folder / FOLDER / f"{name}.parquet", level)
    for name, frame in (
        ("petitions", simulate_petitions(demo)),
        ("publication", simulate_publication(demo)),
    ):
        text = frame.to_csv(index=False, lineterminator="\n")
        write_whole(folder / FOLDER / f"{name}.csv", text)
    return path


def _write_parquet(frame: pd.DataFrame, path: Path, level: int) -> None:
    """Write an export as text; one thread, so that the bytes do not depend on the machine."""
    with open_database(1) as connection:
        connection.register("export", _write_stamps(frame))
        connection.execute(COPY.format(path=str(path).replace("'", "''"), level=level))


def _write_stamps(frame: pd.DataFrame, pattern: str = STAMP) -> pd.DataFrame:
    """Return the frame with each stamp as text, empty where there is none."""
    stamps = frame.select_dtypes("datetime")
    texts = frame.copy()
    for name, column in stamps.items():
        texts[name] = column.dt.strftime(pattern).fillna("")
    return texts


def join_dossiers(demo: Demo, forms: pd.DataFrame, exports: Exports) -> pd.DataFrame:
    """Return the forms with the code of a dossier on some of them (``joined`` in demo.yaml)."""
    plan = read_truths()["truths"]["joined"]
    rng = np.random.Generator(np.random.PCG64([demo.plan["wave"]["seed"], 22]))
    score = _score_forms(demo, forms) + rng.normal(0, plan["noise"], len(forms))
    chance = pd.Series(rng.random(len(forms))).groupby(forms["don_vi"]).rank(pct=True)
    asked = score[(chance <= plan["share"]).to_numpy()]
    is_bad = asked <= asked.quantile(plan["late_share"])
    numbers = exports.days_late.index.str.split("[.-]", regex=True).str[1].astype(int)
    units = demo.units["code"].to_numpy()[numbers - 1]
    codes = pd.Series("", forms.index)
    for unit, days in exports.days_late.groupby(units):
        is_here = (forms["don_vi"] == unit).loc[asked.index]
        for group, fitting in ((is_bad, days[days > 0]), (~is_bad, days[days <= 0])):
            rows = asked[is_here & group].sort_values(kind="stable").index[: len(fitting)]
            drawn = fitting.iloc[rng.choice(len(fitting), len(rows), replace=False)]
            latest_first = drawn.sort_values(ascending=False, kind="stable")
            codes.loc[rows] = latest_first.index.to_numpy()
    joined = forms.copy()
    joined.insert(list(joined).index("ngay") + 1, DOSSIER_HEADER, codes)
    return joined


def _score_forms(demo: Demo, forms: pd.DataFrame) -> "pd.Series[float]":
    """Return Σ weight · z(answer): a factor is the mean of its items."""
    pack, weights = demo.instrument, read_truths()["truths"]["joined"]["weights"]
    score = pd.Series(0.0, forms.index)
    for code, weight in weights.items():
        columns = pack.items_of(code) if code in pack.factors else [code]
        answers = forms[columns].apply(pd.to_numeric, errors="coerce")
        means = answers.where(answers <= pack.scale.high).mean(axis=1)
        score += weight * ((means - means.mean()) / means.std()).fillna(0)
    return score


def simulate_petitions(demo: Demo) -> pd.DataFrame:
    """Make complaints and proposals; some cases stand three times, with three units."""
    truths, year = read_truths(), demo.plan["wave"]["year"]
    plan, units = truths["petitions"], demo.units["code"].to_numpy(dtype=object)
    rng = np.random.Generator(np.random.PCG64([demo.plan["wave"]["seed"], 23]))
    n_more = 2 * plan["sent_to_three"]
    n = plan["rows"] - n_more
    calendar = read_calendar([year, year + 1])
    days = np.sort(rng.integers(0, 365, n))
    case = np.concatenate([np.arange(n), np.tile(np.arange(plan["sent_to_three"]) * 20, 2)])
    copy = np.repeat([0, 1, 2], [n, n_more // 2, n_more // 2])
    unit = (rng.integers(0, len(units), n)[case] + copy) % len(units)
    received = calendar.find_day_end(np.datetime64(f"{year}-01-01") + days[case])
    counts = calendar.count_days(received)
    due = calendar.find_by_days(counts + plan["due_working_days"])
    used = plan["used"]["mean"] * np.exp(rng.normal(0, plan["used"]["spread"], len(case)))
    is_slow = units[unit] == truths["truths"]["petitions_late_unit"]
    used = used * np.where(is_slow, plan["slow_factor"], 1.0) * plan["due_working_days"]
    answered = calendar.find_by_days(counts + np.maximum(np.rint(used), 1))
    answered[answered >= np.datetime64(f"{year + 1}-01-01")] = np.datetime64("NaT")
    channels = np.array([*plan["channels"]], dtype=object)
    channel = rng.choice(channels, n, p=[*plan["channels"].values()])[case]
    fields = list_procedures(demo).groupby("agency")["field"].first()
    rows = {
        "MaVuViec": [f"VV{number:05d}" for number in case + 1],
        "KenhTiepNhan": channel,
        "DonViXuLy": units[unit],
        "LinhVuc": fields[units[unit]].to_numpy(),
        "NgayTiepNhan": received,
        "HanTraLoi": due,
        "NgayTraLoi": answered,
        "SoLanMoLai": (rng.random(len(case)) < plan["reopened"]) & ~np.isnat(answered),
        "VeCongChuc": (rng.random(n) < plan["about_official"])[case],
    }
    frame = pd.DataFrame(rows).sort_values(["MaVuViec", "DonViXuLy"], ignore_index=True)
    frame.insert(0, "MaPhanAnh", [f"PA{number:05d}" for number in range(1, len(frame) + 1)])
    flags = frame[["SoLanMoLai", "VeCongChuc"]].astype(int)
    return _write_stamps(frame.assign(**flags), DAY)


def simulate_publication(demo: Demo) -> pd.DataFrame:
    """Make the checklist of published procedures: place, form, content and the days."""
    truths, year = read_truths(), demo.plan["wave"]["year"]
    plan, table = truths["publication"], list_procedures(demo)
    rng = np.random.Generator(np.random.PCG64([demo.plan["wave"]["seed"], 24]))
    n = len(table)
    is_poor = table["agency"] == truths["truths"]["publication_poor_unit"]
    chance = np.where(is_poor, plan["met_poor"], plan["met"])
    points = ("DungNoi", "DungHinhThuc", "DungNoiDung")
    due = np.datetime64(f"{year}-01-15") + rng.integers(0, 300, n)
    late = np.where(rng.random(n) < plan["late"], rng.integers(1, 2 * plan["days_late"], n), 0)
    early = np.where(late > 0, 0, rng.integers(0, 6, n))
    rows = {
        "DonVi": table["agency"],
        "MaTTHC": table["code"],
        **{point: (rng.random(n) < chance).astype(int) for point in points},
        "HanCongKhai": due.astype("datetime64[s]"),
        "NgayCongKhai": (due + late - early).astype("datetime64[s]"),
    }
    return _write_stamps(pd.DataFrame(rows), DAY)


if __name__ == "__main__":
    import sys

    for wave in ("an-giang-2020", "an-giang-2021", "an-giang-2023"):
        place = Path(sys.argv[1]) / wave
        write_demo(survey_demo.build_demo(wave), place, replace=True, level=SMALL)
