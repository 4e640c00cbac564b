"""The Brier score of three classes, and what it is made of."""

import numpy as np
from jaxtyping import Float, Int

from clinimcl.evaluation.statistics.calibration import BINS, bins
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, item_mean, metric, ratio, replicate
from clinimcl.evaluation.statistics.confusion import CLASSES, UNIT
from clinimcl.evaluation.statistics.intervals import SMALLEST_DEVIATION, exact_interval
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome, widened
from clinimcl.evaluation.statistics.sharing import metric_of_few

FEWEST, A_BIN = 40, 5  # subjects for whom the parts are given, and for each of the bins
TWICE = (0.0, 2.0)  # what a certain answer that is wrong costs
UNCERTAINTY = 1  # where binned parts have it
EITHER = (-2.0, 2.0)  # of a part that may be below 0
PARTS = ("reliability", "resolution", "uncertainty", "within_bins")
SQUARES = ("reliability", "resolution")

Sums = Float[np.ndarray, "stack 3 bin 5"]


def brier(
    clusters: Clusters,
    change: Int[np.ndarray, " answer"],
    probabilities: Float[np.ndarray, "answer 3"],
    shares: Float[np.ndarray, "3"],
) -> dict[str, Outcome]:
    """The score, 0 to 2, and its parts: score = reliability − resolution + uncertainty + within
    bins.

    Beside the score stands that of always saying `shares`, those of the training classes. Each
    class has bins of its own, of equal count: 10, or one for 5 subjects; the parts are sums over
    the classes. `within_bins` is what bins hide: the variance of what is said in a bin, less twice
    its covariance with the truth. Few answers a bin make reliability and resolution larger; the
    jackknife over subjects takes this off, so that a calibrated classifier has a reliability around
    0, and may be below it. Below 40 subjects there are no parts.

    Source: Brier 1950, eq. 2; Murphy 1973, eq. 10; within bins: Stephenson, Coelho and Jolliffe
    2008, eq. 8; that the parts are biased: Ferro and Fricker 2012; jackknife: Quenouille 1956.
    """
    truth = np.eye(CLASSES)[change]
    score = ((probabilities - truth) ** 2).sum(axis=1)
    whole = item_mean(clusters, score)
    found = {"brier_score": score_outcome(whole)}
    if clusters.subjects < FEWEST:
        reason = f"the parts of the Brier score need {FEWEST} subjects, and {clusters.subjects} are tested"
        found |= dict.fromkeys([f"brier_{part}" for part in PARTS], Absent(reason))
    else:
        raw = binned_parts(clusters, probabilities, truth, min(BINS, clusters.subjects // A_BIN))
        found |= part_outcomes(raw, whole)
    return beside(found, shares, truth)


def score_outcome(score: Replicates) -> Outcome:
    """As `metric`, at least as wide as the exact interval of subjects who agree.

    Few subjects may all be of the largest class, and cost little: of 5 subjects of 10, 86 and 4 %
    the interval missed what all people cost in 30 to 36 % of tests, and this one in at most 1 %.
    """
    outcome = metric(score, TWICE)
    if isinstance(outcome, Absent):
        return outcome
    return widened(outcome, exact_interval(outcome.value, outcome.n_subjects, TWICE))


def part_outcomes(raw: Replicates, score: Replicates) -> dict[str, Outcome]:
    """In the order of PARTS; `raw` are the three that bins have, with their bias."""
    parts = balanced(unbiased(raw), score)
    biased = dict(zip(PARTS, balanced(raw, score).whole[0].tolist(), strict=True))
    found = {part: metric_of_few(one_of(parts, column), EITHER) for column, part in enumerate(PARTS)}
    found |= {part: raised(found[part], biased[part]) for part in SQUARES}
    mixed = metric(one_of(raw, UNCERTAINTY), UNIT)
    found["uncertainty"] = around(found["uncertainty"], mixed)
    return {f"brier_{part}": outcome for part, outcome in found.items()}


def raised(outcome: Outcome, squares: float) -> Outcome:
    """With the upper end of an interval of the root, which is nearer to symmetric.

    Means of squares vary the more the larger they are: with a rare class the symmetric interval
    missed them in 8 to 12 % of tests of 40, nearly always below, and this one in 3 to 8 %.
    `squares` is the mean before its bias is taken off.

    Source: Bartlett 1947, The use of transformations, table 1.
    """
    if isinstance(outcome, Absent) or squares <= SMALLEST_DEVIATION:
        return outcome
    above = outcome.high - outcome.value
    return outcome._replace(high=outcome.high + above**2 / (4 * squares))


def one_of(parts: Replicates, column: int) -> Replicates:
    return parts._replace(whole=parts.whole[:, column], left_out=parts.left_out[:, column])


def around(corrected: Outcome, raw: Outcome) -> Outcome:
    """The corrected value with the interval of the raw one, which covers near thirds.

    No test is more mixed than that, and there the corrected value pulls too little.
    """
    if not isinstance(corrected, Metric) or not isinstance(raw, Metric):
        return raw
    low, high = min(raw.low, corrected.value), max(raw.high, corrected.value)
    return raw._replace(value=corrected.value, low=low, high=high)


def beside(
    outcomes: dict[str, Outcome],
    shares: Float[np.ndarray, "3"],
    truth: Float[np.ndarray, "answer 3"],
) -> dict[str, Outcome]:
    """With what who knows nothing, or is calibrated, reaches."""
    guessed = float(((shares - truth) ** 2).sum(axis=1).mean())
    chances = {"brier_score": guessed, "brier_reliability": 0.0, "brier_resolution": 0.0}
    return {
        name: outcome._replace(chance=chances.get(name)) if isinstance(outcome, Metric) else outcome
        for name, outcome in outcomes.items()
    }


def binned_parts(
    clusters: Clusters,
    probabilities: Float[np.ndarray, "answer 3"],
    truth: Float[np.ndarray, "answer 3"],
    count: int,
) -> Replicates:
    """Reliability, uncertainty, and what is within bins, as the bins have them."""
    places = np.stack([bins(said, count) for said in probabilities.T], axis=1)
    member = np.eye(places.max() + 1)[places]
    terms = np.stack([np.ones_like(truth), probabilities, truth, probabilities**2, probabilities * truth], axis=2)
    cells = (member[..., None] * terms[:, :, None]).reshape(len(truth), -1)
    shape = (-1, *member.shape[1:], terms.shape[2])
    return replicate(clusters, lambda weights: parts_of((weights @ cells).reshape(shape)))


def parts_of(sums: Sums) -> Float[np.ndarray, "stack 3"]:
    """From the sums of 1, p, y, p² and py over the answers of each class and bin."""
    size, said, true, square, product = np.moveaxis(sums, -1, 0)
    answers = size.sum(axis=(1, 2)) / CLASSES
    mean_said = np.nan_to_num(ratio(said, size))
    mean_true = np.nan_to_num(ratio(true, size))
    base = ratio(true.sum(axis=2), size.sum(axis=2))
    reliability = (size * (mean_said - mean_true) ** 2).sum(axis=(1, 2))
    within = (square - said * mean_said - 2 * (product - said * mean_true)).sum(axis=(1, 2))
    uncertainty = (base * (1 - base)).sum(axis=1)
    return np.stack([ratio(reliability, answers), uncertainty, ratio(within, answers)], axis=1)


def unbiased(replicates: Replicates) -> Replicates:
    """The statistic less its bias of the order of 1 / subjects; how far each subject pulls it stays as it is."""
    subjects = len(replicates.left_out)
    pseudo = subjects * replicates.whole - (subjects - 1) * replicates.left_out
    value = pseudo.mean(axis=0, keepdims=True)
    return replicates._replace(whole=value, left_out=value - (pseudo - value) / (subjects - 1))


def balanced(parts: Replicates, score: Replicates) -> Replicates:
    """In the order of PARTS: resolution is what the other three lack of the score."""

    def all_four(three: Float[np.ndarray, "stack 3"], whole: Float[np.ndarray, " stack"]) -> np.ndarray:
        reliability, uncertainty, within = three.T
        return np.stack([reliability, reliability + uncertainty + within - whole, uncertainty, within], axis=1)

    left_out = all_four(parts.left_out, score.left_out)
    return parts._replace(whole=all_four(parts.whole, score.whole), left_out=left_out)
