"""Round a percentage once, to text (rule M6)."""

from decimal import ROUND_HALF_UP, Decimal
from math import isnan, nan

FAR_FROM_HALF, NEAR_HALF = 1e5, 1e-4  # of the last printed digit: ten digits cannot cross a half


def round_to_text(
    value: float, numerator: float = nan, denominator: float = nan, decimals: int = 2
) -> str:
    """Return a percentage as text, rounded half away from zero; ``""`` for NaN (rule M6).

    From the exact fraction 100·N/D where N and D are whole numbers, else from the decimal at ten
    significant digits.

    Example:
        >>> values = (-0.125, float("nan"))
        >>> round_to_text(100 * 87 / 160, 87, 160), *map(round_to_text, values)
        ('54.38', '-0.13', '')
    """
    if isnan(value):
        return ""
    if denominator > 0 and float(numerator).is_integer() and float(denominator).is_integer():
        n, d, scale = int(numerator), int(denominator), 100 * 10**decimals
        whole = (2 * scale * n + d) // (2 * d)
        if whole < 0 or not 0 < decimals < 7:
            return str(Decimal(whole).scaleb(-decimals))
        before, behind = divmod(whole, 10**decimals)
        return f"{before}.{behind:0{decimals}}"
    scaled = abs(value) * 10**decimals
    if (
        scaled < FAR_FROM_HALF and abs(scaled % 1 - 0.5) > NEAR_HALF
    ):  # most values; ten times as fast
        return f"{value:.{decimals}f}"
    ten_digits = Decimal(f"{value:.9e}")
    return str(ten_digits.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))
