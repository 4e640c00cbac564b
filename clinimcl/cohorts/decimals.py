"""Scores, ages and thresholds are decimals, which binary numbers hold only to some digits: which of them are equal."""

from functools import reduce

import numpy as np
from jaxtyping import Bool, Float

# Half of one for each score, their difference and the threshold, and as much again for each zone of a mean of 14
ULPS = 16
MOST_DIGITS = 15  # of a decimal that float64 gives back
MOVED = 0.02


def rounding(*numbers: Float[np.ndarray, "*#shape"] | float) -> Float[np.ndarray, "*shape"]:
    """How far apart equal decimals may come out: some units in the last place of the largest number
    of a comparison.

    4e-13 for a score of 100 in float64. 0 where a number is not finite.
    """
    largest = reduce(np.maximum, [np.abs(number) for number in numbers])
    spacing = ULPS * np.finfo(np.result_type(*numbers)).eps
    return np.where(np.isfinite(largest), spacing * largest, 0.0)


def short_decimals(numbers: Float[np.ndarray, " number"], spread: float) -> list[float]:
    """The numbers with three digits, or as many as move none by more than 2 % of `spread`.

    That is the spread of the values which they part. So thirds of years from 2011 to 2019 end at 2013.7 and
    2016.3, not both at 2020.
    """
    for digits in range(3, MOST_DIGITS):
        short = [float(f"{number:.{digits}g}") for number in numbers]
        if np.all(np.abs(short - numbers) <= MOVED * spread):
            return short
    return numbers.tolist()


def first_of_ties(ascending: Float[np.ndarray, " item"], slack: float | None = None) -> Bool[np.ndarray, " item"]:
    """Whether a value is more than `slack` above the one before: unless given, the rounding of the largest.

    So 0.7 - 0.4 and 0.5 - 0.2 are a tie.
    """
    if slack is None:
        slack = float(rounding(np.abs(ascending).max(initial=0.0)))
    return np.r_[True, np.diff(ascending) > slack][: len(ascending)]


def merge_ties(values: Float[np.ndarray, " item"], slack: float) -> Float[np.ndarray, " item"]:
    """The values, of which those that follow each other by no more than `slack` are all the least of them."""
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    first = first_of_ties(ascending, slack)
    merged = np.empty_like(values)
    merged[order] = ascending[first][np.cumsum(first) - 1]
    return merged
