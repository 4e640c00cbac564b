"""A lung's course over days, and what the chart says of its oxygen."""

from typing import NamedTuple

import numpy as np

from clinimcl.phantoms.lung.parameters import LungCourse, Oxygen

KINDS = ("improving", "stable", "worsening")


class Stay(NamedTuple):
    """The days of a subject's sessions and the severity of the lung on each, 0 healthy, 1 worst."""

    kind: str
    days: list[int]
    severities: list[float]


class Chart(NamedTuple):
    """What is measured at the bedside: SpO2 in percent, oxygen in litres a minute, and S/F from both."""

    spo2: int
    litres: int
    fio2: float
    ratio: float


def sample_stay(generator: np.random.Generator, course: LungCourse) -> Stay:
    """Severity runs evenly from the first day to the last, with a wobble, and is kept within 0 and 1."""
    kind = KINDS[int(generator.choice(len(KINDS), p=course.shares))]
    count = 3 + int(generator.choice(len(course.sessions), p=course.sessions))
    least, most = course.days_between
    days = np.cumsum([0, *generator.integers(least, most + 1, count - 1)])
    middle = generator.uniform(*(course.level if kind == "stable" else course.middle))
    if kind == "stable":
        rise = generator.uniform(-course.drift, course.drift)
    else:
        rise = generator.uniform(*course.swing) * (1 if kind == "worsening" else -1)
    severities = middle + rise * (days / days[-1] - 0.5) + generator.normal(0.0, course.wobble, count)
    return Stay(kind, days.tolist(), severities.clip(0, 1).tolist())


def true_ratio(severity: float, oxygen: Oxygen) -> float:
    """S/F without the hour's change and without error."""
    return float(np.interp(severity, oxygen.severities, oxygen.ratios))


def sample_chart(generator: np.random.Generator, severity: float, oxygen: Oxygen) -> Chart:
    """No oxygen where room air is enough, otherwise the fewest whole litres that reach the target.

    A saturation cannot exceed 100 %, so near it S/F tells less than the lung's true state.
    """
    now = true_ratio(severity, oxygen) * float(np.exp(generator.normal(0.0, oxygen.ratio_spread)))
    litres = litres_needed(now, oxygen)
    fio2 = round(oxygen.fio2[0] + oxygen.fio2[1] * litres, 4)
    spo2 = round(min(now * fio2 + generator.normal(0.0, oxygen.reading_error), 100.0))
    return Chart(spo2, litres, fio2, round(spo2 / fio2, 1))


def litres_needed(ratio: float, oxygen: Oxygen) -> int:
    """A minute, for a lung whose S/F is `ratio`."""
    room_air, a_litre = oxygen.fio2
    if ratio * room_air >= oxygen.starts_below:
        return 0
    return min(int(np.ceil((oxygen.target / ratio - room_air) / a_litre)), oxygen.most_litres)
