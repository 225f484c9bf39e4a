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
