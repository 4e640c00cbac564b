"""How good a probe is that knows the labels of only some training subjects."""

import numpy as np
import pandas as pd
from jaxtyping import Int

from clinimcl.evaluation.probes.scoring import Features, outcome, scored
from clinimcl.evaluation.probes.targets import Items
from clinimcl.evaluation.statistics.class_tables import Pulls, Table
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates
from clinimcl.evaluation.statistics.metrics import Metric

SHARES = (0.01, 0.05, 0.1, 1.0)
DRAWS = 5
LEAST = 2  # subjects
SHOWN = {"diagnosis": ("auc", "balanced_accuracy"), "score": ("spearman",)}
COLUMNS = ["probe", "share", "subjects", "encoder", "metric", "value", "low", "high"]


def curve(name: str, items: Items, encoders: dict[str, Features], clusters: Clusters, seed: int) -> pd.DataFrame:
    """A row an encoder, share and metric: mean over 5 draws of labelled subjects, the same for every encoder.

    Intervals are over test subjects; a draw without one of two classes is not made.
    """
    rows = []
    for share in SHARES:
        subjects = labelled(items, share)
        draws = [items_drawn(items, subjects, draw, seed) for draw in range(DRAWS if share < 1 else 1)]
        for encoder, features in encoders.items():
            answers = [scored(items, features, train, clusters) for train in draws]
            for metric in SHOWN[name]:
                found = outcome(items, metric, mean([defined(metric, answer[metric]) for answer in answers]))
                if isinstance(found, Metric):
                    rows.append((name, share, subjects, encoder, metric, *found[:3]))
    return pd.DataFrame(rows, columns=COLUMNS)


def labelled(items: Items, share: float) -> int:
    """That share of the training subjects, at least 2."""
    everyone = len(np.unique(items.subject[items.train]))
    return min(everyone, max(LEAST, round(share * everyone)))


def items_drawn(items: Items, subjects: int, draw: int, seed: int) -> Int[np.ndarray, " row"]:
    """Training items of that many subjects: the first that have each class, then any."""
    rng = np.random.default_rng([seed, subjects, draw])
    everyone = rng.permutation(np.unique(items.subject[items.train]))
    classes = [items.train & (items.label == number) for number in range(len(items.classes))]
    needed = [next(one for one in everyone if one in items.subject[own]) for own in classes]
    chosen = list(dict.fromkeys([*needed, *everyone]))[:subjects]
    return np.flatnonzero(items.train & np.isin(items.subject, chosen))


def defined(metric: str, replicates: Replicates) -> Replicates:
    """A constant answer, as of two subjects with one score, orders nothing: 0."""
    return replicates.map(np.nan_to_num) if metric == "spearman" else replicates


def mean(replicates: list[Replicates]) -> Replicates:
    """Over draws."""
    whole, left_out = (np.mean([getattr(one, part) for one in replicates], axis=0) for part in ("whole", "left_out"))
    tables = [one.tables[0] for one in replicates if one.tables]
    table = (mean_table(tables),) if tables else ()
    return Replicates(whole, left_out, replicates[0].items, table, mean_pulls([one.pulls for one in replicates]))


def mean_pulls(found: list[Pulls | None]) -> Pulls | None:
    known = [pulls for pulls in found if pulls is not None]
    return known[0]._replace(pulls=np.mean([one.pulls for one in known], axis=0)) if known else None


def mean_table(tables: list[Table]) -> Table:
    """A table with an axis of draws, whose statistic is the mean of theirs."""
    whole, own = np.stack([one.whole for one in tables]), np.stack([one.own for one in tables], axis=1)
    return Table(whole, own, (*tables[0].functions, lambda values: values.mean(axis=-1)))
