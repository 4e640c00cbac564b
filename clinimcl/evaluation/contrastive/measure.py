"""From embeddings to the metrics of a contrastive run."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.evaluation.contrastive.diagnosis import Diagnosis, diagnosis
from clinimcl.evaluation.contrastive.inputs import Embedded, finite_epochs
from clinimcl.evaluation.contrastive.projection import Projections, project
from clinimcl.evaluation.contrastive.retrieval import (
    cosine_similarity,
    gap_positives,
    other_scanners,
    other_sessions,
    retrieval_difference,
    retrieval_metric,
    retrieve,
)
from clinimcl.evaluation.contrastive.sessions import sessions_of
from clinimcl.evaluation.contrastive.stability import longitudinal_distances, stability
from clinimcl.evaluation.contrastive.time_order import order_tau
from clinimcl.evaluation.entries import add_entries
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome, mean_metric, with_chance
from clinimcl.storage.files import write_text

EPOCH_METRICS = (
    "retrieval_top1",
    "retrieval_map",
    "order_tau",
    "longitudinal_distance",
    "between_subject_distance",
    "distance_ratio",
    "total_variance",
    "effective_rank",
)


class Evaluation(NamedTuple):
    """Everything measured on the held-out subjects of a contrastive run."""

    metrics: dict[str, Metric]  # of the reported epoch
    absent: dict[str, str]  # why a metric is not there, a sentence each
    by_epoch: dict[int, dict[str, Outcome]]
    by_gap: dict[str, dict[str, Outcome]]  # representation → gap in years → top-1
    spread: "pd.Series[float]"  # longitudinal distance of each subject, reported epoch
    diagnosis: Diagnosis
    projections: Projections


def evaluate(embedded: Embedded, seed: int) -> Evaluation:
    """Measures every kept epoch; the same inputs and seed give the same numbers.

    Raises:
        UserError: when the embeddings of the reported epoch are not finite.
    """
    embedded = finite_epochs(embedded)
    test, given = embedded.table("test"), similarities(embedded)
    by_epoch = {epoch: measure_epoch(embedded, epoch) for epoch in embedded.epochs}
    outcomes = by_epoch[embedded.best] | compare_rows(test, given)
    outcomes["val_loss"] = val_loss(embedded.validation_losses)
    return Evaluation(
        metrics={name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Metric)},
        absent={name: outcome.reason for name, outcome in outcomes.items() if isinstance(outcome, Absent)},
        by_epoch=by_epoch,
        by_gap=measure_gaps(test, given),
        spread=longitudinal_distances(sessions_of(test, embedded.vectors(embedded.best, "test"))),
        diagnosis=diagnosis(by_epoch, embedded.best, train_top1(embedded), outcomes["retrieval_top1_minus_raw_voxels"]),
        projections=project(embedded, seed) if len(test) > 1 else {},
    )


def measure_epoch(embedded: Embedded, epoch: int) -> dict[str, Outcome]:
    """Of the test subjects, as the encoder of that epoch embeds their scans."""
    scans, vectors = embedded.table("test"), embedded.vectors(epoch, "test")
    if scans.empty:
        return dict.fromkeys(EPOCH_METRICS, Absent("the cohort has no test subjects"))
    queries = retrieve(scans, cosine_similarity(vectors), other_sessions(scans))
    train = sessions_of(embedded.table("train"), embedded.vectors(epoch, "train"))
    test = sessions_of(scans, vectors)
    outcomes = {
        "retrieval_top1": retrieval_metric(queries, "top1"),
        "retrieval_map": retrieval_metric(queries, "average_precision"),
        "order_tau": order_tau(train, test),
        **stability(test),
    }
    return {name: outcomes[name] for name in EPOCH_METRICS}


def similarities(embedded: Embedded) -> dict[str, Float[np.ndarray, "test test"]]:
    """Cosines of test scans as the encoder, voxels, and voxels moved back by the true pose see them."""
    given = {
        "encoder": embedded.vectors(embedded.best, "test"),
        "raw_voxels": embedded.raw,
        "realigned_voxels": embedded.realigned,
    }
    return {name: cosine_similarity(vectors) for name, vectors in given.items() if vectors is not None and len(vectors)}


def compare_rows(scans: pd.DataFrame, given: dict[str, Float[np.ndarray, "test test"]]) -> dict[str, Outcome]:
    """Retrieval by voxels, beside which the encoder's stands, and their differences paired by subject."""
    positive = other_sessions(scans)
    queries = {name: retrieve(scans, similarity, positive) for name, similarity in given.items()}
    outcomes: dict[str, Outcome] = {}
    for name in ("raw_voxels", "realigned_voxels"):
        names = f"{name}_retrieval_top1", f"retrieval_top1_minus_{name}"
        if name in queries:
            row = retrieval_metric(queries[name], "top1")
            difference = retrieval_difference(queries["encoder"], queries[name])
            outcomes |= dict(zip(names, (row, difference), strict=True))
        else:
            reason = f"no {name.replace('_', ' ')} of test scans were given"
            outcomes |= dict.fromkeys(names, Absent(reason))
    return outcomes | scanner_rows(scans, given)


def scanner_rows(scans: pd.DataFrame, similarities: dict[str, Float[np.ndarray, "scan scan"]]) -> dict[str, Outcome]:
    """Top-1 when only scans from another scanner count; the gallery holds the query's scanner, too."""
    positive = other_scanners(scans)
    if not positive.any():
        reason = Absent("no test subject has scans from two known scanners")
        return {"retrieval_top1_other_scanner": reason}
    return {
        f"{'' if name == 'encoder' else name + '_'}retrieval_top1_other_scanner": retrieval_metric(
            retrieve(scans, similarity, positive), "top1"
        )
        for name, similarity in similarities.items()
    }


def measure_gaps(
    scans: pd.DataFrame, given: dict[str, Float[np.ndarray, "test test"]]
) -> dict[str, dict[str, Outcome]]:
    bins = gap_positives(scans)
    return {
        name: {gap: retrieval_metric(retrieve(scans, similarity, positive), "top1") for gap, positive in bins.items()}
        for name, similarity in given.items()
    }


def train_top1(embedded: Embedded) -> Outcome:
    """Retrieval among as many training subjects as there are test subjects, to tell memorisation."""
    scans, vectors = embedded.table("train"), embedded.vectors(embedded.best, "train")
    most = embedded.table("test")["subject"].nunique()
    kept = scans["subject"].isin(scans["subject"].unique()[:most]).to_numpy()
    scans, vectors = scans[kept], vectors[kept]
    return retrieval_metric(retrieve(scans, cosine_similarity(vectors), other_sessions(scans)), "top1")


def val_loss(losses: Float[np.ndarray, " subject"] | None) -> Outcome:
    """Mean loss of a batch that holds one pair of each validation subject; chance is the log of their number.

    Twice chance is taken for the worst loss a subject could have, which matters only if all have the same.
    """
    if losses is None or len(losses) < 2:
        return Absent("the loss of a pair needs at least 2 validation subjects with two sessions")
    chance = float(np.log(len(losses)))
    outcome = mean_metric(pd.Series(losses), len(losses), (0.0, 2 * chance))
    return with_chance(outcome, chance)


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Adds to evaluation.json and absent.json, name → why; epochs.csv has a row an epoch and metric."""
    add_entries(folder, evaluation.metrics, evaluation.absent)
    write_text(epochs_table(evaluation.by_epoch).to_csv(index=False), folder / "epochs.csv")


def epochs_table(by_epoch: dict[int, dict[str, Outcome]]) -> pd.DataFrame:
    rows = [
        {"epoch": epoch, "metric": name, **metric.entry()}
        for epoch, outcomes in by_epoch.items()
        for name, metric in outcomes.items()
        if isinstance(metric, Metric)
    ]
    return pd.DataFrame(rows, columns=["epoch", "metric", "value", "low", "high", "n_subjects", "n_items", "chance"])
