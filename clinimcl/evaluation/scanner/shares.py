"""Shares of an embedding's variance and agreement of repeated scans, with intervals over subjects."""

import numpy as np
from jaxtyping import Float

from clinimcl.evaluation.scanner.components import Components, Stack, estimate
from clinimcl.evaluation.scanner.design import Design
from clinimcl.evaluation.statistics.intervals import REALS, subject_interval
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome

SHARES = ("subject", "scanner", "time", "rest")
KINDS = (*(f"share_{part}" for part in SHARES), "icc", "icc_visit")
UNCROSSED = "no subject has scans from two known scanners or sites"
TOO_FEW = "too few scans are repeated to tell scanners from the rest"
UNREPEATED = "no visit has two scans, so time cannot be told from the rest, which holds both"
SINGLE_VISIT = "no subject has two visits, so time cannot be told from the subject, whose share holds both"


def measure_shares(vectors: Float[np.ndarray, "row dimension"], design: Design | Absent) -> dict[str, Outcome]:
    """Of `KINDS`. Components below 0 count as 0; the shares of all add up to 1.

    `vectors` has the rows of the design.
    """
    if isinstance(design, Absent):
        return dict.fromkeys(KINDS, design)
    components = estimate(vectors, design)
    if components.total[0] <= 0:
        return dict.fromkeys(KINDS, Absent("all embeddings are the same"))
    if not np.isfinite(components.total[0]):
        return dict.fromkeys(KINDS, Absent(TOO_FEW))
    items = len(design.rows)
    outcomes: dict[str, Outcome] = {f"share_{part}": share(components, part, items) for part in SHARES}
    if not design.factor:
        outcomes["share_scanner"] = Absent(UNCROSSED)
    if not design.timed:
        outcomes["share_time"] = Absent(SINGLE_VISIT if design.visits_repeated else UNREPEATED)
    changing = components.time + components.rest
    lasting = components.subject + components.time
    outcomes["icc"] = agreement(components.subject, changing, components.repeats, items)
    outcomes["icc_visit"] = Absent("no visit has two scans")
    if design.visits_repeated:
        outcomes["icc_visit"] = agreement(lasting, components.rest, components.repeats, items)
    return outcomes


def share(components: Components, part: str, items: int) -> Outcome:
    """The interval is that of the share before components below 0 are truncated, and lies between 0 and 1."""
    component: Stack = getattr(components, part)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = component / components.total
    found = left_out_metric(shares, items)
    if isinstance(found, Absent):
        return found
    whole = np.array([getattr(components, name)[0] for name in SHARES]).clip(0)
    value = float(max(component[0], 0) / whole.sum())
    low = float(np.clip(min(found.low, value), 0, 1))
    high = float(np.clip(max(found.high, value), 0, 1))
    return found._replace(value=value, low=low, high=high)


def agreement(between: Stack, within: Stack, repeats: float, items: int) -> Outcome:
    """ICC (3,1) of single scans on fixed scanners, from components: with as many scans of all subjects, the textbook's.

    The interval is that of the logarithm of the ratio of mean squares, which is nearly normal. Many dimensions are
    summed before the ratio is taken.

    Sources: Shrout and Fleiss 1979, ICC (3,1); McGraw and Wong 1996, ICC (C,1); of many
    dimensions by traces, as the I2C2 of Shou et al. 2013, Quantifying the reliability of image replication studies.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(1 + repeats * between / within)
    found = left_out_metric(ratio, items)
    if isinstance(found, Absent):
        return found
    value, low, high = (intraclass(end, repeats) for end in found[:3])
    return Metric(value, low, high, found.n_subjects, items)


def left_out_metric(values: Stack, items: int) -> Outcome:
    """Of a value of all subjects, followed by those without each.

    Student's degrees are of the subjects on whom it rests, such as a few travelling heads: of as many normal
    deviations, whose fourth moment is three times the square of their second, as have this fourth moment.
    """
    value = float(values[0])
    subjects = len(values) - 1
    if not np.isfinite(value):
        return Absent("it is not defined for these scans")
    deviation = (subjects - 1) * (value - values[1:])
    if not np.isfinite(deviation).all():
        return Absent("it hangs on one subject alone: without that subject it is not defined")
    square = deviation**2
    resting = 3 * square.sum() ** 2 / max(float((square**2).sum()), np.finfo(float).tiny)
    freedom = float(np.clip(resting - 1, 1, subjects - 1))
    interval = subject_interval(value, deviation, REALS, freedom=freedom)
    return Metric(*interval, n_subjects=subjects, n_items=items)


def intraclass(log_ratio: float, repeats: float) -> float:
    """The correlation of a ratio of mean squares. Source: Shrout and Fleiss 1979, p. 423."""
    excess = float(np.expm1(log_ratio))
    return excess / (excess + repeats)
