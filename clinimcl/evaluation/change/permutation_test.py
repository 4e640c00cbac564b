"""What the classifier reaches where there is nothing to learn: scores permuted between subjects."""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import beta

from clinimcl.evaluation.change.answers import Answers
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, item_mean, metric
from clinimcl.evaluation.statistics.confusion import UNIT
from clinimcl.evaluation.statistics.intervals import TAIL
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome

PERMUTATIONS = 20


def null(inputs: ChangeInputs, answers: Answers, clusters: Clusters, seed: int) -> dict[str, Outcome]:
    """Mean accuracy after training on permuted scores, and the p-value of the classifier's own accuracy.

    The embeddings stay as they are; the best epoch is chosen as the classifier's was, on validation subjects, whose
    scores are permuted, too. p is (1 + permutations at least as accurate) / (1 + permutations), and its interval the
    binomial one of their share.

    Source: Phipson and Smyth 2010, eq. 2.
    """
    if inputs.refit is None:
        return dict.fromkeys(("null_accuracy", "null_p"), Absent("the classifier was not trained again for it"))
    subjects = len(scans_by_subject(inputs, "train"))
    if subjects < 2:
        reason = f"scores are permuted between at least 2 training subjects, and there are {subjects}"
        return dict.fromkeys(("null_accuracy", "null_p"), Absent(reason))
    rng = np.random.default_rng(seed)
    hits = np.stack([
        answers.mean(inputs.refit(permuted_scores(inputs, rng))).argmax(axis=1) == answers.change
        for _ in range(PERMUTATIONS)
    ])  # fmt: skip
    own = (answers.mean(inputs.probabilities).argmax(axis=1) == answers.change).mean()
    mean = hits.mean(axis=0)
    replicates = item_mean(clusters, mean)
    at_least = int((hits.mean(axis=1) >= own - 1e-12).sum())
    return {
        "null_accuracy": metric(replicates, UNIT),
        "null_p": p_value(at_least, clusters.subjects, len(mean)),
    }


def p_value(at_least: int, subjects: int, items: int) -> Metric:
    """Of permutations; interval: Clopper and Pearson 1934."""
    low = float(beta.ppf(TAIL, at_least, PERMUTATIONS - at_least + 1)) if at_least else 0.0
    high = float(beta.ppf(1 - TAIL, at_least + 1, PERMUTATIONS - at_least)) if at_least < PERMUTATIONS else 1.0
    return Metric((1 + at_least) / (1 + PERMUTATIONS), low, high, subjects, items)


def permuted_scores(inputs: ChangeInputs, rng: np.random.Generator) -> Float[np.ndarray, " scan"]:
    """Every subject that trains or validates has the scores of another of its split, in the order of their scans.

    A subject with more scans than the one whose scores it gets goes through them again.
    """
    permuted = inputs.scans["score"].to_numpy(float).copy()
    for split in ("train", "validation"):
        own = scans_by_subject(inputs, split)
        score = [permuted[rows] for rows in own]
        for rows, giver in zip(own, rng.permutation(len(own)), strict=True):
            permuted[rows] = np.resize(score[giver], len(rows))
    return permuted


def scans_by_subject(inputs: ChangeInputs, split: str) -> list[Int[np.ndarray, " scan"]]:
    """Rows of the scored scans of each of the split's subjects, by day."""
    own = inputs.scans[(inputs.scans["split"] == split) & inputs.scans["score"].notna()]
    return [group.sort_values("day", kind="stable").index.to_numpy(int) for _, group in own.groupby("subject")]
