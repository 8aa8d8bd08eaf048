"""Work out the cases of cases.yaml in a spreadsheet: each rule is a formula of a visible cell.

    python tests/reference/records/make_clock_sheet.py

Writes clock.xlsx (formulas, calculated by LibreOffice) and clock.csv, stays.csv, which the tests
read. Nothing of the package is used: days off are typed below, working time is counted by
cumulated days, months by EDATE, and the status found by hand stands beside the formula's.
"""

import csv
import shutil
import subprocess
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import yaml
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

FOLDER = Path(__file__).parent
DAYS_OFF = """
2021-01-01 2021-02-10 2021-02-11 2021-02-12 2021-02-15 2021-02-16 2021-04-21 2021-04-30
2021-05-03 2021-09-02 2021-09-03 2022-01-03 2022-01-31 2022-02-01 2022-02-02 2022-02-03
2022-02-04 2022-04-11 2022-05-02 2022-05-03 2022-09-01 2022-09-02 2024-01-01 2024-02-08
2024-02-09 2024-02-12 2024-02-13 2024-02-14 2024-04-18 2024-04-29 2024-04-30 2024-05-01
2024-09-02 2024-09-03
""".split()  # noqa: SIM905 (a list that is easy to compare with a notice)
MADE_UP = ["2024-05-04"]
SPANS = [(date(2020, 12, 1), date(2022, 12, 31)), (date(2024, 1, 1), date(2024, 12, 31))]
STAMP = "dd/mm/yyyy hh:mm:ss"
COLUMNS = {  # header: width
    "case": 6,
    "shows": 52,
    "state": 6,
    **dict.fromkeys(("received", "finished"), 19),
    "limit": 6,
    "unit": 12,
    **dict.fromkeys(("pause1_start", "pause1_end", "pause2_start", "pause2_end"), 19),
    "through": 12,
    "contradiction": 15,
    **dict.fromkeys(("start", "end", "p1_from", "p1_to", "p2_from", "p2_to"), 19),
    **dict.fromkeys(("w_start", "w_end", "paused_seconds", "paused_all"), 12),
    **dict.fromkeys(("last_day", "moved", "due"), 19),
    "w_due": 12,
    "is_late": 8,
    "status": 14,
    "days_late": 12,
    "limit_used": 12,
    "by_hand": 14,
    "agrees": 8,
    "workday": 12,
    "workday_agrees": 10,
}
AT = {name: get_column_letter(place) for place, name in enumerate(COLUMNS, 1)}
GIVEN = ("shows", "state", "limit", "unit", "contradiction")
RESULT = ("start", "paused_seconds", "due", "status", "days_late", "limit_used")


def day(cell):
    """The day of a stamp, safe against the last digit of a floating number."""
    return f"INT(ROUND({cell}*86400,0)/86400)"


def second(cell):
    """The second of the day of a stamp."""
    return f"(ROUND({cell}*86400,0)-86400*{day(cell)})"


def look_up(what, cell):
    """Column 2: is the day worked; column 3: working days up to and including the day."""
    return f"VLOOKUP({day(cell)},days!$A:$C,{2 if what == 'works' else 3},0)"


def work_day(count):
    """The day on which so many working days are full."""
    return f"INDEX(days!$A:$A,MATCH({count},days!$C:$C,0))"


def worked(cell):
    """Working seconds up to a stamp: 8 hours a day, 07:00-11:00 and 13:00-17:00."""
    hours = f"MAX(0,MIN({second(cell)},39600)-25200)+MAX(0,MIN({second(cell)},61200)-46800)"
    works = look_up("works", cell)
    return f"28800*({look_up('sum', cell)}-{works})+{works}*({hours})"


def write_formulas(row):
    """The formulas of one row, by column."""
    c = {name: f"{letter}{row}" for name, letter in AT.items()}
    received = c["received"]
    opens = f"MAX({received},{day(received)}+7/24)"
    in_time = f"AND({look_up('works', received)}=1,{second(received)}<=54000)"
    next_day = work_day(f"{look_up('sum', received)}+1")
    state, finished = c["state"], c["finished"]
    ends_wrong = f'OR({finished}="",{finished}<{received})'
    no_end = f"AND(OR({state}=9,{state}=10),{ends_wrong})"
    needs_start = f"OR({state}=2,AND({state}>=4,{state}<=6),{state}>=9)"
    no_start = f'AND({received}="",{needs_start})'
    wrong = f'OR({c["contradiction"]}<>"",{state}>10,{no_start},{no_end})'
    judged = f'AND({received}<>"",{c["state"]}<>1,{c["state"]}<>3,NOT({wrong}))'
    last = f"({c['through']}+86399/86400)"
    has_end = f'{finished}<>"",{finished}<={last}'
    is_done = f"AND(OR({state}=9,{state}=10),{has_end})"
    has_limit = f'AND(N({c["limit"]})>0,{c["unit"]}<>"")'
    ends = f"IF(AND({has_end}),{finished},{last})"
    formulas = {
        "start": f'IF({judged},IF({in_time},{opens},{next_day}+7/24),"")',
        "end": f'IF({judged},{ends},"")',
    }
    for k in (1, 2):
        first, final = c[f"pause{k}_start"], c[f"pause{k}_end"]
        has = f'AND({first}<>"",{c["start"]}<>"")'
        until = f'IF({final}="",{c["end"]},MIN({final},{c["end"]}))'
        formulas[f"p{k}_from"] = f'IF({has},MAX({first},{c["start"]}),"")'
        begins = c[f"p{k}_from"]
        formulas[f"p{k}_to"] = f'IF({has},MAX({until},{begins}),"")'
    pauses = [(c[f"p{k}_from"], c[f"p{k}_to"]) for k in (1, 2)]
    paused = "+".join(f'IF({a}="",0,{worked(b)}-({worked(a)}))' for a, b in pauses)
    passed = "+".join(f'IF({a}="",0,ROUND(({b}-{a})*86400,0))' for a, b in pauses)
    # the last day without pauses, and its seconds of work; hours need no day
    start = c["start"]
    dated = f'IF({c["unit"]}="month",EDATE({day(start)},{c["limit"]}),{day(start)}+{c["limit"]})'
    dated_sum, dated_works = (look_up(what, f"({dated})") for what in ("sum", "works"))
    rolled = work_day(f"{dated_sum}+1-{dated_works}")
    counted = work_day(f"{look_up('sum', start)}+{c['limit']}")
    is_date = f'OR({c["unit"]}="day",{c["unit"]}="month")'
    by_unit = f'IF({is_date},{rolled},IF({c["unit"]}="working_day",{counted},""))'
    moved = f"({c['last_day']}+17/24+{c['paused_all']}/86400)"
    moved_day = work_day(f"{look_up('sum', moved)}+1-{look_up('works', moved)}")
    total = c["moved"]
    full = f"ROUNDUP({total}/28800,0)"
    rest = f"({total}-28800*({full}-1))"
    by_work = f"{work_day(full)}+(IF({rest}<=14400,25200,32400)+{rest})/86400"
    seconds = (
        f'IF({c["unit"]}="hour",{c["w_start"]}+3600*{c["limit"]},'
        f"28800*{look_up('sum', c['last_day'])})+{c['paused_seconds']}"
    )
    due, end = c["due"], c["end"]
    late = f"OR({day(end)}>{day(due)},{c['w_end']}>{c['w_due']})"
    done = f'IF({c["is_late"]},"late",IF({day(end)}<{day(due)},"early","on_time"))'
    running = f'IF({c["is_late"]},"overdue","in_time")'
    words = ("not_started", "refused", "waiting", "waiting", "withdrawn", "stopped")
    status = f'IF({has_limit},IF({is_done},{done},{running}),"no_limit")'
    for code, word in zip((1, 3, 5, 6, 7, 8), words, strict=True):
        status = f'IF({state}={code},"{word}",{status})'
    judged_words = ("early", "on_time", "late", "in_time", "overdue")
    is_judged = "OR(" + ",".join(f'{c["status"]}="{word}"' for word in judged_words) + ")"
    left = f"{c['w_start']}+{c['paused_seconds']}"
    return formulas | {
        "w_start": f'IF({start}="","",{worked(start)})',
        "w_end": f'IF({end}="","",{worked(end)})',
        "paused_seconds": f'IF({start}="",0,{paused})',
        "paused_all": f'IF({start}="",0,{passed})',
        "last_day": f'IF(AND({start}<>"",{has_limit}),{by_unit},"")',
        "moved": f'IF(AND({start}<>"",{has_limit}),IF({is_date},{moved_day},{seconds}),"")',
        "due": f'IF({c["moved"]}="","",IF({is_date},{c["moved"]}+17/24,{by_work}))',
        "w_due": f'IF({due}="","",{worked(due)})',
        "is_late": f'IF({due}="","",{late})',
        "status": f'IF({wrong},"contradictory",{status})',
        "days_late": f'IF({is_judged},IF({c["is_late"]},({c["w_end"]}-{c["w_due"]})/28800,0),"")',
        "limit_used": f'IF({is_judged},MAX(0,{c["w_end"]}-({left}))/({c["w_due"]}-({left})),"")',
        "agrees": f"{c['status']}={c['by_hand']}",
        # a second way to the last day, where no Saturday is worked
        "workday": (
            f'IF(AND({c["unit"]}="working_day",{c["last_day"]}<>"",{c["through"]}<DATE(2024,1,1)),'
            f"""WORKDAY.INTL({day(start)},{c["limit"]},1,'days off'!$A$2:$A$99),"")"""
        ),
        "workday_agrees": f'OR({c["workday"]}="",{c["workday"]}={c["last_day"]})',
    }


def read_stamp(text):
    return datetime.fromisoformat(str(text)) if text else None


def write_days(book, rules):
    """The sheets of rules, of days off and of all days."""
    listed_rules = book.create_sheet("rules")
    for row in (("column", "rule (docs/method.md T2, T3)"), *rules.items()):
        listed_rules.append(row)
    off = book.create_sheet("days off")
    off.append(["day off (Monday to Friday)", "Saturday that is worked"])
    for row, text in enumerate(DAYS_OFF, 2):
        off.cell(row, 1, date.fromisoformat(text)).number_format = "dd/mm/yyyy"
    for row, text in enumerate(MADE_UP, 2):
        off.cell(row, 2, date.fromisoformat(text)).number_format = "dd/mm/yyyy"
    days = book.create_sheet("days")
    days.append(["day", "is worked", "working days so far"])
    listed = [a + timedelta(n) for a, b in SPANS for n in range((b - a).days + 1)]
    for row, name in enumerate(listed, 2):
        days.cell(row, 1, name).number_format = "dd/mm/yyyy"
        days.cell(
            row,
            2,
            f"=IF(COUNTIF('days off'!$B$2:$B$9,A{row})>0,1,"
            f"IF(OR(WEEKDAY(A{row},2)>5,COUNTIF('days off'!$A$2:$A$99,A{row})>0),0,1))",
        )
        days.cell(row, 3, f"=N(C{row - 1})+B{row}")


def write_book(cases, through, rules):
    book = Workbook()
    sheet = book.active
    sheet.title = "cases"
    sheet.append(list(COLUMNS))
    for place, width in enumerate(COLUMNS.values(), 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
        sheet.cell(1, place).font = Font(bold=True)
    for number, case in enumerate(cases, 1):
        row, joined = number + 1, case.get("joined", [])
        values = {
            "case": f"c{number:02d}",
            **{name: case.get(name) for name in GIVEN},
            "received": read_stamp(case["received"]),
            "finished": read_stamp(case.get("finished")),
            "through": through[case.get("year", 2021)],
            "by_hand": case["status"],
            **{
                f"pause{k}_{end}": read_stamp(stamp)
                for k, pause in enumerate(joined, 1)
                for end, stamp in zip(("start", "end"), pause, strict=True)
            },
        }
        formulas = {name: f"={text}" for name, text in write_formulas(row).items()}
        for name, value in {**values, **formulas}.items():
            cell = sheet[f"{AT[name]}{row}"]
            cell.value = value
            if COLUMNS[name] == 19 and name != "last_day":
                cell.number_format = STAMP
            elif name in ("through", "last_day", "workday"):
                cell.number_format = "dd/mm/yyyy"
            cell.alignment = Alignment(vertical="top")
        sheet[f"{AT['moved']}{row}"].number_format = "0"
    sheet.freeze_panes = "C2"
    write_days(book, rules)
    return book


def calculate(book):
    """Let LibreOffice calculate; return the sheet with values and write clock.xlsx."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft" / "clock.xlsx"
        draft.parent.mkdir()
        book.save(draft)
        command = ["soffice", "--headless", "--convert-to", "xlsx", "--outdir", folder, str(draft)]
        subprocess.run(command, check=True, capture_output=True)
        shutil.copy(Path(folder) / "clock.xlsx", FOLDER / "clock.xlsx")
    return load_workbook(FOLDER / "clock.xlsx", data_only=True)["cases"]


def write_stamp(value):
    """A stamp as text, to the second."""
    if not isinstance(value, datetime):
        return "" if value is None else value
    return (value + timedelta(microseconds=500_000)).strftime("%Y-%m-%d %H:%M:%S")


def main():
    content = yaml.safe_load((FOLDER / "cases.yaml").read_text("utf-8"))
    cases = content["cases"]
    sheet = calculate(write_book(cases, content["through"], content["rules"]))
    header, *rows = sheet.iter_rows(values_only=True)
    kept = ["case", "shows", "state", "received", "finished", "limit", "unit"]
    kept += ["through", "contradiction", *RESULT]
    with (FOLDER / "clock.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(kept)
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            if not (cells["agrees"] and cells["workday_agrees"]):
                print("does not agree:", cells)
            writer.writerow([write_stamp(cells[name]) for name in kept])
    with (FOLDER / "stays.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["dossier", "state", "start", "end"])
        for number, case in enumerate(cases, 1):
            writer.writerows([f"c{number:02d}", *stay] for stay in case.get("stays", []))


if __name__ == "__main__":
    main()
