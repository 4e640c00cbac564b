"""What a new pair is compared with: the training scans, and limits that validation subjects set."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from sklearn.covariance import LedoitWolf

from clinimcl.errors import UserError
from clinimcl.exporting.scan_outputs import Described, person_pairs
from clinimcl.inference.card import Limits
from clinimcl.inference.out_of_distribution import People, Reference, people
from clinimcl.inference.references import References, Trajectories

TOLERATED = 0.99  # share of validation scans that lie within the limits of what is familiar, before the margin
MARGIN = 1.25  # new people differ a little more than some dozens of validation subjects; other organs do by far
TRUE_PAIRS = 0.95  # share of validation pairs of one person that are taken for such
MOST_DRAWN = 60  # training subjects whose course is shown


def references(found: Described) -> References:
    """Of the training scans."""
    rows = found.split("train")
    return References(
        _reference(found.appearance[rows]),
        _reference(found.change[rows]),
        trajectories(found),
        _people(found) if found.identity is not None else None,
    )


def _people(found: Described) -> People | None:
    """None where no training subject has two visits."""
    rows = found.split("train")
    assert found.identity is not None
    values, person = found.identity[rows].astype(float), pd.factorize(found.scans["subject"].to_numpy()[rows])[0]
    counts = np.bincount(person)
    means = np.stack([values[person == number].mean(axis=0) for number in range(len(counts))])
    several = counts[person] > 1
    if not several.any():
        return None
    off = (values - means[person]) * np.sqrt(counts / np.maximum(counts - 1, 1))[person, None]
    within = LedoitWolf(assume_centered=True).fit(off[several]).covariance_
    return people(values.mean(axis=0), LedoitWolf().fit(means).covariance_, within)


def trajectories(found: Described) -> Trajectories:
    """Of the first training subjects with two visits."""
    rows = found.split("train")
    values = found.change[rows].astype(float)
    mean = values.mean(axis=0)
    axes = np.linalg.svd(values - mean, full_matrices=False)[2][:2]
    drawn = found.scans.iloc[rows].assign(row=rows).drop_duplicates(["subject", "session"]).sort_values("day")
    several = drawn[drawn.groupby("subject")["session"].transform("nunique") > 1]
    shown = several[several["subject"].isin(several["subject"].unique()[:MOST_DRAWN])]
    person, points = pd.factorize(shown["subject"])[0], (found.change[shown["row"]] - mean) @ axes.T
    return Trajectories(mean.astype(np.float32), axes.astype(np.float32), person, points.astype(np.float32))


def _reference(values: Float[np.ndarray, "scan value"]) -> Reference:
    """Source of the covariance: Ledoit and Wolf 2004."""
    fitted = LedoitWolf().fit(values.astype(float))
    return Reference(fitted.location_.astype(np.float32), fitted.precision_.astype(np.float32))


def limits(found: Described, known: References) -> Limits:
    """
    Raises:
        UserError: there is no validation scan.
    """
    rows = found.split("validation")
    if not len(rows):
        raise UserError(
            "the limits of a model come from validation subjects, and there is none: set cohort.split.validation"
        )
    distances = [known.appearance.distance(found.appearance[rows]), known.embedding.distance(found.change[rows])]
    tolerated = [MARGIN * float(np.quantile(own, TOLERATED, method="higher")) for own in distances]
    return Limits(appearance=tolerated[0], embedding=tolerated[1], likeness=_least_likeness(found, known))


def _least_likeness(found: Described, known: References) -> float | None:
    """Each subject counts as one, however many pairs are theirs."""
    pairs = person_pairs(found, "validation")
    if known.people is None or not len(pairs):
        return None
    alike = likenesses(found, known, pairs)
    subject = found.scans["subject"].to_numpy()[pairs[:, 0]]
    _, place, count = np.unique(subject, return_inverse=True, return_counts=True)
    order, weight = np.argsort(alike), 1 / count[place]
    below = np.cumsum(weight[order]) / weight.sum()
    return float(alike[order][np.searchsorted(below, 1 - TRUE_PAIRS)])


def likenesses(found: Described, known: References, pairs: Int[np.ndarray, "pair 2"]) -> Float[np.ndarray, " pair"]:
    assert found.identity is not None and known.people is not None
    return known.people.ratio(found.identity[pairs[:, 0]], found.identity[pairs[:, 1]])
