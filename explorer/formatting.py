"""Every way in which a number is written for a person: on the page, in sentences, on sheets and in reports."""

import math

import numpy as np

RAW_DIGITS = 2
ROUNDING = 1e-9  # relative; an interval no wider than this has no width


# Single numbers


def short(value: float, digits: int = 2) -> str:
    """A number in so many digits, its exponent without padding: 0.0021, 4.1e-8."""
    return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e+")


def round_down(value: float) -> str:
    """A positive number as one digit and a power of ten, at most `value`: 4.7e-11 -> "4e-11"."""
    exponent = math.floor(math.log10(value))
    digit = min(9, math.floor(value / 10.0**exponent + 1e-9))
    return f"{digit}e{exponent}" if exponent < -2 else f"{digit * 10.0**exponent:g}"


def probability(p: float, complement: float) -> str:
    """p in as many digits as it takes to tell it from one: 0.99999998, 0.873, 2e-7."""
    if p < 1e-3:
        return short(p, 1)
    if complement <= 0 or complement < 1e-12:
        return f"1 − {short(complement, 1)}" if complement > 0 else "1"
    digits = max(3, math.ceil(-math.log10(complement)) + 1)
    return f"{1 - complement:.{digits}f}"


def about(p: float) -> str:
    """p in a few digits, never rounded up to one: "p = 0.873", "p > 0.999", "p = 2e-7"."""
    return "p > 0.999" if p > 0.999 else f"p = {short(p, 3 if p > 1e-3 else 1)}"


def in_percent(p: float) -> str:
    """A probability that changes while it is looked at: "87.3 %", "> 99.9 %", "0.02 %"."""
    return "> 99.9 %" if p > 0.9995 else f"{100 * p:.1f} %" if p >= 1e-3 else f"{short(100 * p, 1)} %"


def four_decimals(p: float) -> str:
    """Probabilities in a column: "0.8731", "2.1e-7"."""
    return f"{p:.4f}" if p >= 1e-4 else short(float(p))


def float32(value: float) -> str:
    """Every digit that single precision holds."""
    return f"{np.float32(value):.9g}"


def percent(share: float) -> str:
    """A relative error or gap: 0.0081 -> "0.81 %"."""
    return f"{short(100 * share)} %"


def part(share: float) -> str:
    """How much of something: "37 %", "0.4 %"."""
    return percent(share) if share < 0.1 else f"{100 * share:.0f} %"


def duration(seconds: float) -> str:
    """ "3 s", "2 min", "1.5 h", "3 d": as one would say it."""
    for unit, size, digits in (("d", 86_400, 0), ("h", 3600, 1), ("min", 60, 0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{max(1, round(seconds))} s"


def or_dash(value: float) -> str:
    """A raw value in two digits: 0.0021, 4.1e-8; a dash where it is not finite."""
    return "–" if value is None else short(value)


# Means with their intervals: no more digits than the interval supports


def with_interval(mean: float, low: float, high: float, share: bool = False) -> tuple[str, ...]:
    """A mean and its interval in words: ("33.2 %", "31.3 to 35.2 %"); of an unknown interval "".

    share: written in per cent. The half-width of the interval takes 3 to 30 units of the last digit; more where an end
    that is not zero would else be written as zero, for a verdict hangs on its side.
    """
    scale, unit = (100, " %") if share else (1, "")
    mean, low, high = scale * mean, scale * low, scale * high
    if not math.isfinite(high - low):
        return f"{signed(f'{mean:.2g}')}{unit}", ""
    write = _writer(mean, low, high)
    return write(mean) + unit, f"{write(low)} to {write(high)}{unit}"


def raw_with_interval(mean: float, low: float, high: float) -> tuple[str, ...]:
    """As `with_interval`, of raw values, which range over many decades: ("2.6e-4", "1.6e-4 to 4e-4")."""
    ends = "" if math.isnan(low) else f"{signed(short(low, RAW_DIGITS))} to {signed(short(high, RAW_DIGITS))}"
    return signed(short(mean, RAW_DIGITS)), ends


def signed(text: str) -> str:
    """A number's text with a true minus sign; that of an exponent stays."""
    return f"−{text[1:]}" if text.startswith("-") else text


def _writer(mean, low, high):
    """How to write the numbers of this interval."""
    if high - low <= ROUNDING * abs(mean):
        return lambda number: signed(f"{number:.3g}")
    decimals = math.ceil(-math.log10((high - low) / 6))
    nearest = min(abs(low), abs(high))
    if low * high > 0 and round(nearest, decimals) == 0:
        decimals = math.ceil(-math.log10(nearest))
    if decimals > 4 and abs(mean) < 1e-3:
        return lambda number: signed(short(number, RAW_DIGITS))
    return lambda number: _rounded(number, decimals)


def _rounded(number, decimals):
    text = f"{round(number, decimals):,.{max(0, decimals)}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else signed(text)
