"""Make the picture of what ``sipas init`` prints, for the guide: ``make pictures``.

The lines that it shows stand in the picture, so that a test finds a picture that is out of date.
"""

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib import get_data_path
from openpyxl import Workbook
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from sipas_analysis.command_steps import draft_files
from sipas_analysis.documents.writers.terminal import speak
from sipas_analysis.instrument.pack import read_instrument

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "man-hinh-init.png"
FOLDER = r"PS D:\khao-sat-2024> "
COMMAND = "sipas init phieu --out . --lang vi"
UNITS = ("Sở Y tế", "Sở Nội vụ", "Sở Xây dựng", "UBND huyện Chợ Mới", "UBND huyện Tri Tôn")
BLUE, YELLOW, WHITE = (1, 36, 86), (238, 220, 80), (240, 240, 240)
WIDTH, LINE, EDGE, SIZE = 930, 24, 18, 16  # pixels


def write_forms(path: Path) -> None:
    """Write one workbook with forms of several units on the official questionnaire."""
    book = Workbook()
    sheet = book.active
    items = [item.vi for item in read_instrument("qd-2640-2017").items.values()]
    sheet.append(["UBND TỈNH AN GIANG"])
    sheet.append(["KẾT QUẢ KHẢO SÁT NĂM 2024"])
    sheet.append(["STT", "Đơn vị", "Số điện thoại", "Ngày khảo sát", *items])
    for number in range(40):
        answers = [3 + (number + k) % 3 for k in range(len(items))]
        unit = UNITS[number % len(UNITS)]
        sheet.append([number + 1, unit, "", f"{1 + number % 28}/9/2024", *answers])
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def print_init(folder: Path) -> str:
    """Return what the command prints, in a folder with the forms."""
    write_forms(folder / "phieu" / "khao-sat-2024.xlsx")
    printed = StringIO()
    with speak("vi"), redirect_stdout(printed):
        draft_files([folder / "phieu"], folder, "", f"{COMMAND} --accept", accepts=False)
    return printed.getvalue().replace(f"{folder}/", "")


def draw_screen(text: str) -> Image.Image:
    """Return a window of PowerShell with the command and what it prints."""
    lines = text.splitlines()
    image = Image.new("RGB", (WIDTH, 2 * EDGE + LINE * (len(lines) + 2)), BLUE)
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSansMono.ttf", SIZE)
    draw.text((EDGE, EDGE), FOLDER, YELLOW, font)
    draw.text((EDGE + draw.textlength(FOLDER, font), EDGE), COMMAND, WHITE, font)
    for number, line in enumerate(lines, start=1):
        draw.text((EDGE, EDGE + number * LINE), line, WHITE, font)
    draw.text((EDGE, EDGE + (len(lines) + 1) * LINE), FOLDER, YELLOW, font)
    return image.quantize(16)


def main() -> None:
    """Write the picture."""
    with TemporaryDirectory() as folder:
        text = print_init(Path(folder))
    facts = PngInfo()
    facts.add_itxt("Description", text)
    draw_screen(text).save(PICTURE, pnginfo=facts, optimize=True)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
