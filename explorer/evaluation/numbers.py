"""Numbers as people read them: no more digits than the interval supports."""

import math

from explorer.attribution.heatmaps import short

RAW_DIGITS = 2
ROUNDING = 1e-9  # relative; an interval no wider than this has no width


def told(mean, low, high, share=False):
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


def told_raw(mean, low, high):
    """As `told`, of raw values, which range over many decades: ("2.6e-4", "1.6e-4 to 4e-4")."""
    ends = "" if math.isnan(low) else f"{signed(short(low, RAW_DIGITS))} to {signed(short(high, RAW_DIGITS))}"
    return signed(short(mean, RAW_DIGITS)), ends


def signed(text):
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
