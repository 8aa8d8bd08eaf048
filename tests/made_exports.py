"""A small export of dossiers and one of movements, as the one-stop system of an office writes them.

Dossiers are plain on purpose: each is received in the morning, finished some days later and
returned on the same day, so that a test sees at once what its damage changed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey

ANSWERS = "unit,A1,A2,D1\nso-a,5,4,3\nso-b,4,4,4\n"
N = 24
DAYS = [f"{day:02}/03/2024" for day in range(1, N + 1)]


def make_dossiers() -> pd.DataFrame:
    """Return 24 dossiers as text, two units, all returned; the last four still run."""
    at = range(N)
    received = pd.date_range("2024-03-01", periods=N).to_numpy("datetime64[D]")
    due = pd.DatetimeIndex(np.busday_offset(received, 7, roll="forward"))  # no holiday lies between
    frame = pd.DataFrame(
        {
            "MaHoSo": [f"H01-24-{number:04}" for number in at],
            "MaTTHC": [f"1.00{number % 3}" for number in at],
            "TenTTHC": [f"Thủ tục {number % 3}" for number in at],
            "KenhThucHien": [str(1 + number % 3) for number in at],
            "ChuHoSo": [f"Nguyễn Văn {number}" for number in at],
            "NgayTiepNhan": [f"{day} 08:30:00" for day in DAYS],
            "NgayHenTra": due.strftime("%d/%m/%Y 17:00:00"),
            "NgayKetThucXuLy": [f"{min(number + 7, 30):02}/03/2024 15:10:00" for number in at],
            "NgayTra": [f"{min(number + 7, 30):02}/03/2024 16:20:00" for number in at],
            "TrangThaiHoSoId": "10",
            "ThoiGianThucHien": "7",
            "LoaiThoiGianThucHien": "Ngày làm việc",
            "NguoiDaXuLy": [f"CB{number % 4:02}" for number in at],
            "MucDo": [str(2 + number % 3) for number in at],
            "DonViQuanLy": ["Sở A" if number % 2 else "SA" for number in at],
        }
    )
    running = frame.index[-4:]
    frame.loc[running, ["NgayKetThucXuLy", "NgayTra"]] = ""
    frame.loc[running, "TrangThaiHoSoId"] = "4"
    return frame


def make_movements() -> pd.DataFrame:
    """Return three stays of each dossier as text."""
    dossiers = make_dossiers()
    steps = ["Tiếp nhận", "Thẩm định", "Ký duyệt"]
    rows = [
        {
            "MaHoSo": code,
            "TenBuoc": step,
            "PhongBan": f"Phòng {number}",
            "NguoiXuLy": f"CB{number:02}",
            "TrangThaiHoSoId": "4",
            "NgayBatDau": f"{day} {9 + number:02}:00:00",
            "NgayKetThuc": f"{day} {10 + number:02}:00:00",
            "LyDo": "",
        }
        for code, day in zip(dossiers["MaHoSo"], DAYS, strict=True)
        for number, step in enumerate(steps)
    ]
    return pd.DataFrame(rows)


def write_export(path: Path, frame: pd.DataFrame) -> Path:
    """Write an export by the ending of its name: csv, csv.gz, xlsx or parquet."""
    if path.suffix == ".parquet":
        import duckdb

        with duckdb.connect() as connection:
            connection.register("frame", frame)
            connection.execute(f"COPY (FROM frame) TO '{path}'")
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


def survey_of(
    read: Callable[..., Survey],
    folder: Path,
    rows: pd.DataFrame | str | bytes | None = None,
    stays: pd.DataFrame | None = None,
    ending: str = "csv",
    **records: Any,
) -> Survey:
    """Return the survey of a wave with exports of dossiers (rows) and movements (stays).

    ``records`` change the part ``records:`` of the wave.
    """
    named: dict[str, Any] = {"dossiers": f"dossiers.{ending}"}
    path = folder / f"dossiers.{ending}"
    if isinstance(rows, str | bytes):
        path.write_bytes(rows.encode() if isinstance(rows, str) else rows)
    else:
        write_export(path, make_dossiers() if rows is None else rows)
    if stays is not None:
        write_export(folder / f"movements.{ending}", stays)
        named["movements"] = f"movements.{ending}"
    return read(ANSWERS, records=named | records)
