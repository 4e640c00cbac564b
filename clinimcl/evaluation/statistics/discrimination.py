"""How well probabilities rank the answers of a class above the others."""

import numpy as np
from jaxtyping import Bool, Float, Int

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, replicate
from clinimcl.evaluation.statistics.confusion import CLASSES, UNIT, present
from clinimcl.evaluation.statistics.metrics import Absent, Outcome, with_chance
from clinimcl.evaluation.statistics.rank_correlation import auc
from clinimcl.evaluation.statistics.sharing import metric_of_few


def discrimination(
    clusters: Clusters,
    change: Int[np.ndarray, " answer"],
    probabilities: Float[np.ndarray, "answer 3"],
) -> dict[str, Outcome]:
    """Area under the ROC curve of each class against the others, and its mean over the classes of
    the test.

    A tie counts half; chance is 0.5.

    Source of the mean over classes: Provost and Domingos 2001.
    """
    true = np.eye(CLASSES, dtype=int)[change]
    classes = np.flatnonzero(present(change))
    names = ("auroc", *(f"auroc_{name}" for name in CHANGES))
    if len(classes) < 2:
        return dict.fromkeys(names, Absent(f"every test answer is {CHANGES[classes[0]]}"))
    columns = list(zip(probabilities.T, true.T, strict=True))
    rarer = [side_subjects(clusters, change == number) for number in range(CLASSES)]
    found = replicate(
        clusters, lambda weights: np.stack([auc(*column, weights, slack=0.0) for column in columns], axis=1)
    )
    mean = found.map(lambda stack: stack[:, classes].mean(axis=1))
    outcomes = {"auroc": area_outcome(mean, min(rarer[number] for number in classes))}
    for number, name in enumerate(CHANGES):
        column = found._replace(whole=found.whole[:, number], left_out=found.left_out[:, number])
        outcomes[f"auroc_{name}"] = (
            area_outcome(column, rarer[number]) if number in classes else Absent(f"no test answer is {name}")
        )
    return outcomes


def side_subjects(clusters: Clusters, true: Bool[np.ndarray, " answer"]) -> int:
    """How many subjects have an answer of the rarer side."""
    ends = np.stack([clusters.one, clusters.other])
    return min(len(np.unique(ends[:, side])) for side in (true, ~true))


def area_outcome(area: Replicates, rarer: int) -> Outcome:
    """`rarer` is what a statistic rests on that is the same without any subject."""
    found = metric_of_few(area, UNIT, rarer)
    return with_chance(found, 0.5)
