"""How figures are written in reports; a dash where there is none."""

import math

from podshop.domain.money import money

DASH = "–"


def percent(value: float, digits: int = 2) -> str:
    """`12.34 %`, or a dash where there is no figure."""
    return f"{value:z.{digits}%}".replace("%", " %") if math.isfinite(value) else DASH


def number(value: float, digits: int = 2) -> str:
    """`1.23`, or a dash where there is no figure."""
    return f"{value:z,.{digits}f}" if math.isfinite(value) else DASH


def whole(micros: int) -> str:
    """Micros as whole currency units; what rounds to nothing has no sign."""
    text = money(micros, cents=False)
    return "0" if text == "-0" else text


def exact(micros: int) -> tuple[str, str]:
    """Micros without rounding: `-1,234.56` and the four digits that follow, "" when all are 0."""
    whole_, rest = divmod(abs(micros), 10_000)
    sign = "-" if micros < 0 else ""
    return f"{sign}{whole_ // 100:,}.{whole_ % 100:02d}", f"{rest:04d}" if rest else ""


def decimal(micros: int) -> str:
    """Micros without rounding as other programs read them: `-1234.567890`, or `-1234.56`."""
    cents, rest = exact(micros)
    return cents.replace(",", "") + rest
