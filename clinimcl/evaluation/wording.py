"""What the report says of metrics, in words."""

from clinimcl.evaluation.change import wording as change
from clinimcl.evaluation.contrastive.measure import Evaluation
from clinimcl.evaluation.exported import metrics as exported
from clinimcl.evaluation.probes import wording as probes
from clinimcl.evaluation.scanner import wording as scanner
from clinimcl.evaluation.statistics.metrics import Metric, Outcome

# name: label, what it means and which way is good
METRICS = {
    "retrieval_top1": (
        "Same-subject retrieval, top-1",
        "Share of scans whose nearest other scan (cosine; not of the same session) is of the same subject. "
        "Higher is better.",
    ),
    "retrieval_map": (
        "Same-subject retrieval, mean average precision",
        "How high all other scans of the subject rank. Higher is better.",
    ),
    "raw_voxels_retrieval_top1": (
        "Retrieval by raw voxels, top-1",
        "The same search by the cosine of the prepared voxels.",
    ),
    "retrieval_top1_minus_raw_voxels": (
        "Encoder minus raw voxels, top-1",
        "Paired by subject. Above 0: the encoder adds something to the voxels.",
    ),
    "realigned_voxels_retrieval_top1": (
        "Retrieval by voxels moved back, top-1",
        "Voxels moved back by the true pose, which only a phantom knows: what could be had without pose.",
    ),
    "retrieval_top1_minus_realigned_voxels": (
        "Encoder minus voxels moved back, top-1",
        "Paired by subject.",
    ),
    "retrieval_top1_other_scanner": (
        "Retrieval across scanners, top-1",
        "Only scans of the subject from another scanner count; the gallery holds the query's own scanner.",
    ),
    "raw_voxels_retrieval_top1_other_scanner": (
        "Retrieval across scanners by raw voxels, top-1",
        "The same search by the prepared voxels.",
    ),
    "realigned_voxels_retrieval_top1_other_scanner": (
        "Retrieval across scanners by voxels moved back, top-1",
        "The same search by voxels moved back by the true pose.",
    ),
    "order_tau": (
        "Time order, Kendall τ",
        "Between day and position along the main axis of change, which is fitted on training subjects; mean "
        "over subjects with at least 2 sessions. 1: always in order; 0: chance; −1: reversed.",
    ),
    "longitudinal_distance": (
        "Distance of consecutive sessions",
        "Mean cosine distance within subjects. Small beside that of different subjects: stable.",
    ),
    "between_subject_distance": (
        "Distance of different subjects",
        "Mean cosine distance. Near 0 means collapse.",
    ),
    "distance_ratio": (
        "Ratio of the two distances",
        "Within subjects over between. 1: an encoder that knows nothing of identity.",
    ),
    "total_variance": (
        "Total variance",
        "Of unit-length embeddings, estimated from pairs of different subjects: 0, one point; 1, spread all around. "
        "Falling over epochs while identity is kept means over-compression.",
    ),
    "effective_rank": (
        "Effective rank",
        "Number of directions in use (Roy and Vetterli 2007) by this many sessions; 1 means collapse. The interval is "
        "that of tests of as many subjects.",
    ),
    "val_loss": (
        "Validation loss",
        "InfoNCE of one batch with a pair of every validation subject; chance is ln of their number. Lower is better.",
    ),
    **exported.METRICS,
    **change.METRICS,
    **probes.METRICS,
    **scanner.METRICS,
}
GENERATED = (
    "The cohort is generated: these numbers show that the method and the software work, not what they do for patients."
)
HEADLINES = ("retrieval_top1", "retrieval_top1_minus_raw_voxels", "order_tau", "val_loss")
BESIDE = {"longitudinal_distance": "between_subject_distance"}  # read beside another metric, not chance


def number(value: float) -> str:
    """Three digits or so, with a true minus sign; what rounds to 0 is 0.000, without a sign."""
    size = abs(value)
    if size < 0.0005:
        text = "0.000"
    elif size >= 1000:
        text = f"{value:,.0f}"
    elif float(value).is_integer() and size >= 10:
        text = f"{value:.0f}"
    else:
        text = f"{value:.{3 if size < 10 else 1}f}"
    return text.replace("-", "−")


def span(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def interval(metric: Metric) -> str:
    return span(metric.low, metric.high)


def cell(outcome: Outcome | None) -> tuple[str, str]:
    """Value and interval; a dash where there is none."""
    return (number(outcome.value), interval(outcome)) if isinstance(outcome, Metric) else ("–", "")


def verb(difference: Metric, other: str = "it") -> str:
    """What a difference says of the first of the two, where more is better."""
    if difference.low > 0:
        return "is better"
    return "is worse" if difference.high < 0 else f"cannot be told from {other}"


def capitalised(text: str) -> str:
    """With a capital letter; the others stay as they are."""
    return text[:1].upper() + text[1:]


def label(name: str) -> str:
    return METRICS[name][0] if name in METRICS else name.replace("_", " ")


def verdict(evaluation: Evaluation, phantom: bool) -> list[str]:
    """The answer, a sentence an item; what chance or a trivial row gives stands in the same sentence."""
    metrics = evaluation.metrics
    sentences = [evaluation.diagnosis.sentence]
    if "retrieval_top1" in metrics:
        sentences.append(retrieval_sentence(metrics))
    if "order_tau" in metrics:
        sentences.append(order_sentence(metrics["order_tau"]))
    if {"longitudinal_distance", "between_subject_distance"} <= metrics.keys():
        own, other = metrics["longitudinal_distance"], metrics["between_subject_distance"]
        sentences.append(
            f"Consecutive sessions of a subject are {number(own.value)} apart (cosine distance), different "
            f"subjects {number(other.value)}."
        )
    if phantom:
        sentences.append(GENERATED)
    return sentences


def retrieval_sentence(metrics: dict[str, Metric]) -> str:
    top1 = metrics["retrieval_top1"]
    sentence = (
        f"Among {top1.n_subjects} held-out subjects, the encoder finds another session of the same subject "
        f"for {top1.value:.1%} of scans (95\u00a0% interval {top1.low:.1%} to {top1.high:.1%}; chance "
        f"{top1.chance:.1%})"
    )
    difference = metrics.get("retrieval_top1_minus_raw_voxels")
    if difference is None:
        return sentence + "."
    raw, beside = metrics["raw_voxels_retrieval_top1"], verb(difference, "them")
    return (
        f"{sentence}; raw voxels find it for {raw.value:.1%}, so the encoder {beside} (difference "
        f"{number(difference.value)}, {interval(difference)})."
    )


def order_sentence(tau: Metric) -> str:
    how = (
        "lie in time order more often than by chance"
        if tau.low > 0
        else "lie against time order"
        if tau.high < 0
        else "cannot be told from random order"
    )
    return (
        f"Along the main axis of change, sessions of held-out subjects {how} (mean Kendall τ "
        f"{number(tau.value)}, 95\u00a0% interval {interval(tau)}; chance 0)."
    )
