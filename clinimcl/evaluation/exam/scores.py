"""How good answers are, for a stack of weights of the tested items."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from clinimcl.evaluation.exam.linear_probe import Answers
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, ratio, replicate
from clinimcl.evaluation.statistics.rank_correlation import auc

LEAST = 2  # items of a class, and of all others: with fewer the class is not judged
SHARED = float(np.sqrt(2))

Weights = Float[np.ndarray, "stack item"]
Classes = Float[np.ndarray, "stack class"]
Judged = Bool[np.ndarray, "_ class"]  # classes over which a mean is taken
Score = Callable[[Answers, Weights], Classes]


def one_vs_rest_auroc(answers: Answers, weights: Weights) -> Classes:
    """Of each class: how often one of its items is thought likelier to be of it than another item.

    A tie is half; NaN where a class or all others are missing. The mean over classes is scikit-learn's
    `roc_auc_score(multi_class="ovr")`.
    """
    of_class = np.eye(answers.probability.shape[1], dtype=int)[answers.truth]
    columns = zip(answers.probability.T, of_class.T, strict=True)
    return np.stack([auc(probability, truth, weights) for probability, truth in columns], axis=1)


def f1(answers: Answers, weights: Weights) -> Classes:
    """Of each class; 0 for one that is neither there nor answered."""
    classes = answers.probability.shape[1]
    cells = np.eye(classes * classes)[classes * answers.truth + answers.answered]
    table = (weights @ cells).reshape(-1, classes, classes)
    hit = np.diagonal(table, axis1=1, axis2=2)
    return np.nan_to_num(ratio(2 * hit, table.sum(axis=1) + table.sum(axis=2)))


SCORES: dict[str, Score] = {"auroc": one_vs_rest_auroc, "macro_f1": f1}


def judged(answers: Answers, weights: Weights) -> Bool[np.ndarray, "stack class"]:
    """Classes that have enough items, and enough others."""
    of_class = np.eye(answers.probability.shape[1])[answers.truth]
    there = (weights > 0).astype(float)
    members = there @ of_class
    others = there.sum(axis=1, keepdims=True) - members
    return (members >= LEAST) & (others >= LEAST)


def class_mean(values: Classes, classes: Judged) -> Float[np.ndarray, " stack"]:
    """NaN where there is no class."""
    count = np.broadcast_to(classes.sum(axis=1).astype(float), len(values))
    return ratio(np.where(classes, values, 0.0).sum(axis=1), count)


def replicates(
    score: Score,
    splits: Sequence[Answers],
    subject: Int[np.ndarray, " item"],
    inside: Bool[np.ndarray, " item"],
) -> Replicates | None:
    """The score's mean over splits of the tested items `inside`, and with each of all subjects left out.

    Splits in which no class can be judged are left out; None where none is left. A subject who is tested in one
    split teaches in another, which leaving out of the test alone sees half of: where the score is a sum over pairs
    of a subject who teaches and one who is tested, its variance is twice the jackknife's. So with several splits
    the distances are √2 as long. Without that, 95 % intervals of noise hold chance in 88 %
    (experiments/exam_intervals).
    """
    kept = [one for one in splits if judged(one, inside[None, one.item].astype(float)).any()]
    if not kept:
        return None
    parts = [_of_split(score, one, subject, inside) for one in kept]
    whole = np.mean([part.whole for part in parts], axis=0)
    left_out = np.mean([part.left_out for part in parts], axis=0)
    stretched = whole - (SHARED if len(kept) > 1 else 1.0) * (whole - left_out)
    items = np.unique(np.concatenate([one.item[inside[one.item]] for one in kept]))
    return Replicates(whole, stretched, len(items))


def over(scored: Replicates, subjects: Int[np.ndarray, " subject"]) -> Replicates:
    """With each of these subjects left out: the others are not in it."""
    return scored._replace(left_out=scored.left_out[subjects])


def _of_split(
    score: Score, answers: Answers, subject: Int[np.ndarray, " item"], inside: Bool[np.ndarray, " item"]
) -> Replicates:
    """Who is not tested changes nothing when left out."""
    kept = inside[answers.item]
    here = Answers(answers.item[kept], answers.truth[kept], answers.probability[kept])
    members, one = np.unique(subject[here.item], return_inverse=True)
    classes = judged(here, np.ones((1, len(one))))
    clusters = Clusters(one, one, len(members), seed=0)
    scored = replicate(clusters, lambda weights: class_mean(score(here, weights), classes))
    left_out = np.full(int(subject.max()) + 1, scored.whole[0])
    left_out[members] = scored.left_out
    return scored._replace(left_out=left_out)
