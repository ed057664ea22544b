"""Whether two ways compute the same thing; only those that do are timed against each other."""

import numpy as np

BOUND = 1e-5  # of the greatest value


class Disagreement(Exception):
    """Two ways give different values, or nothing that can be compared."""


def off(found, expected):
    """The greatest difference, relative to the greatest value expected. Arrays of one shape, expected not all zero."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        raise Disagreement(f"the shapes are {found.shape} and {expected.shape}")
    if not np.isfinite(found).all() or not np.isfinite(expected).all():
        raise Disagreement("not all values are finite")
    greatest = np.abs(expected).max()
    if not greatest:
        raise Disagreement("the map is blank, so that agreement shows nothing")
    return float(np.abs(found - expected).max() / greatest)


def agreement(found, expected, bound=BOUND):
    """{name: how far off} of everything both ways give, two dictionaries of arrays. Raises Disagreement."""
    common = sorted(found.keys() & expected.keys())
    if not common:
        raise Disagreement("there is nothing that both compute")
    differences = {}
    for name in common:
        try:
            differences[name] = off(found[name], expected[name])
        except Disagreement as fault:
            raise Disagreement(f"{name}: {fault}") from None
        if differences[name] > bound:
            difference = f"{differences[name]:.1e} of its greatest value"
            raise Disagreement(f"{name} differs by {difference}, more than {bound:.0e}")
    return differences


def distance(found, expected):
    """Relative L2 of the two maps, each divided by its own norm: how far the pictures are from each other.

    0 where both are blank, 1 where one of them is.
    """
    return float(np.linalg.norm(_unit(found) - _unit(expected)))


def _unit(values):
    values = np.asarray(values, np.float64)
    return values / (np.linalg.norm(values) or 1.0)
