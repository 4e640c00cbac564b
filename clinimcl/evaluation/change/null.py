"""What the classifier reaches where there is nothing to learn: scores permuted between subjects."""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import beta

from clinimcl.evaluation.change.answers import Answers
from clinimcl.evaluation.change.clusters import Clusters, metric, ratio, replicate
from clinimcl.evaluation.change.confusion import UNIT
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.intervals import TAIL
from clinimcl.evaluation.metrics import Absent, Metric, Outcome

PERMUTATIONS = 20


def null(inputs: ChangeInputs, answers: Answers, clusters: Clusters, seed: int) -> dict[str, Outcome]:
    """Mean accuracy after training on permuted scores, and the p-value of the classifier's own accuracy.

    The embeddings stay as they are. p is (1 + permutations at least as accurate) / (1 + permutations), and its
    interval the binomial one of their share.

    Source: Phipson and Smyth 2010, eq. 2.
    """
    if inputs.refit is None:
        return dict.fromkeys(("null_accuracy", "null_p"), Absent("the classifier was not trained anew for it"))
    subjects = len(np.unique(subject_of(inputs)[training_rows(inputs)]))
    if subjects < 2:
        reason = f"scores are permuted between at least 2 training subjects, and there are {subjects}"
        return dict.fromkeys(("null_accuracy", "null_p"), Absent(reason))
    rng = np.random.default_rng(seed)
    hits = np.stack([
        answers.mean(inputs.refit(permuted_change(inputs, rng))).argmax(axis=1) == answers.change
        for _ in range(PERMUTATIONS)
    ])  # fmt: skip
    own = (answers.mean(inputs.probabilities).argmax(axis=1) == answers.change).mean()
    mean = hits.mean(axis=0)
    replicates = replicate(clusters, lambda weights: ratio(weights @ mean, weights.sum(axis=1)))
    at_least = int((hits.mean(axis=1) >= own - 1e-12).sum())
    return {
        "null_accuracy": metric(replicates, UNIT),
        "null_p": p_value(at_least, clusters.draws.shape[1], len(mean)),
    }


def p_value(at_least: int, subjects: int, items: int) -> Metric:
    """Of permutations; interval: Clopper and Pearson 1934."""
    low = float(beta.ppf(TAIL, at_least, PERMUTATIONS - at_least + 1)) if at_least else 0.0
    high = float(beta.ppf(1 - TAIL, at_least + 1, PERMUTATIONS - at_least)) if at_least < PERMUTATIONS else 1.0
    return Metric((1 + at_least) / (1 + PERMUTATIONS), low, high, subjects, items)


def permuted_change(inputs: ChangeInputs, rng: np.random.Generator) -> Int[np.ndarray, " pair"]:
    """Classes of the training pairs when every subject has the scores of another, in the order of their scans."""
    score = permuted_scores(inputs, rng)
    earlier, later = inputs.train["earlier"].to_numpy(int), inputs.train["later"].to_numpy(int)
    return inputs.rule.change(score[earlier], score[later])


def permuted_scores(inputs: ChangeInputs, rng: np.random.Generator) -> Float[np.ndarray, " scan"]:
    """A subject with more scans than the one whose scores it gets goes through them again."""
    score = inputs.scans["score"].to_numpy(float)
    rows = training_rows(inputs)
    day = inputs.scans["day"].to_numpy(float)
    rows = rows[np.argsort(day[rows], kind="stable")]
    subject = subject_of(inputs)[rows]
    own = [rows[subject == number] for number in np.unique(subject)]
    permuted = score.copy()
    for taker, giver in zip(own, rng.permutation(len(own)), strict=True):
        permuted[taker] = score[np.resize(own[giver], len(taker))]
    return permuted


def training_rows(inputs: ChangeInputs) -> Int[np.ndarray, " scan"]:
    return np.unique(inputs.train[["earlier", "later"]].to_numpy(int))


def subject_of(inputs: ChangeInputs) -> Int[np.ndarray, " scan"]:
    return np.asarray(inputs.scans["subject"].factorize()[0], dtype=int)
