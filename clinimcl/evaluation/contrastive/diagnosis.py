"""The ways in which contrastive training goes wrong, told apart and named in words."""

from typing import NamedTuple

from clinimcl.evaluation.statistics.metrics import Metric, Outcome

RANK_OF_COLLAPSE = 1.5
DISTANCE_OF_COLLAPSE = 0.01  # cosine
RECOGNISED = 0.5  # an encoder that finds half of the subjects has not collapsed, however narrow its cone
CLEAR_FALL = 0.7  # of the earlier maximum
MEMORISED_GAP = 0.2  # top-1 of training minus that of test subjects, galleries of the same size
COURSE = {"retrieval_top1", "longitudinal_distance", "effective_rank", "total_variance"}


class Diagnosis(NamedTuple):
    name: str  # healthy, collapse, memorisation, never started, no better than voxels, over-compression, unknown
    sentence: str


def diagnosis(
    by_epoch: dict[int, dict[str, Outcome]], best: int, train_top1: Outcome, over_voxels: Outcome
) -> Diagnosis:
    """Judges the reported epoch, and the course up to the last one for over-compression.

    `over_voxels` is the retrieval beyond that of raw voxels, which an encoder that learned nothing keeps or loses.
    """
    measured = known(by_epoch[best])
    top1 = measured.get("retrieval_top1")
    if top1 is None or top1.chance is None:
        sentence = "Too few held-out subjects have two sessions to say whether training worked."
        return Diagnosis("unknown", sentence)
    if collapsed(measured) and top1.value < RECOGNISED:
        return Diagnosis("collapse", collapse_sentence(measured, top1))
    if isinstance(train_top1, Metric) and memorised(train_top1, top1):
        return Diagnosis(
            "memorisation",
            f"Training subjects are found again far more often ({train_top1.value:.2f}) than held-out ones "
            f"({top1.value:.2f}; chance {top1.chance:.3f}): the encoder memorised them. Use more subjects or "
            "more augmentation.",
        )
    if top1.low <= top1.chance:
        return Diagnosis(
            "never started",
            f"Retrieval of held-out subjects ({top1.value:.3f}) cannot be told from chance "
            f"({top1.chance:.3f}): training never started. Centre the scans, lower the learning rate, use "
            "gentler augmentation or train longer.",
        )
    if isinstance(over_voxels, Metric) and over_voxels.low <= 0:
        return Diagnosis(
            "no better than voxels",
            f"Held-out subjects are found again above chance, but raw voxels do as well (difference "
            f"{over_voxels.value:.3f}, interval {over_voxels.low:.3f} to {over_voxels.high:.3f}): it is not shown that "
            "the encoder learned anything. Train longer, on more subjects, or with other augmentation.",
        )
    return over_compression(by_epoch) or Diagnosis(
        "healthy",
        "Training worked: held-out subjects are found again above chance, with no sign of collapse, "
        "memorisation or over-compression.",
    )


def known(outcomes: dict[str, Outcome]) -> dict[str, Metric]:
    return {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Metric)}


def collapsed(measured: dict[str, Metric]) -> bool:
    rank, apart = measured.get("effective_rank"), measured.get("between_subject_distance")
    return (rank is not None and rank.value < RANK_OF_COLLAPSE) or (
        apart is not None and apart.value < DISTANCE_OF_COLLAPSE
    )


def collapse_sentence(measured: dict[str, Metric], top1: Metric) -> str:
    rank, apart = measured.get("effective_rank"), measured["between_subject_distance"]
    directions = "" if rank is None else f"the effective rank is {rank.value:.1f}, "
    return (
        f"The embeddings have collapsed: different subjects are {apart.value:.4f} apart (cosine distance), "
        f"{directions}and {top1.value:.2f} of scans find their subject (chance "
        f"{top1.chance:.3f}). Replace batch by group normalisation, lower the learning rate or use more "
        "subjects a batch."
    )


def memorised(train_top1: Metric, top1: Metric) -> bool:
    return train_top1.low > top1.high and train_top1.value - top1.value > MEMORISED_GAP


def over_compression(by_epoch: dict[int, dict[str, Outcome]]) -> Diagnosis | None:
    """Identity kept, yet variance or rank, and the distance of sessions, well below an earlier epoch's."""
    courses = {epoch: known(outcomes) for epoch, outcomes in sorted(by_epoch.items())}
    courses = {epoch: measured for epoch, measured in courses.items() if measured.keys() >= COURSE}
    if max(by_epoch) not in courses:
        return None
    last = courses[max(by_epoch)]
    highest = max(measured["retrieval_top1"].value for measured in courses.values())
    if last["retrieval_top1"].value < 0.9 * highest:
        return None
    for name in ("effective_rank", "total_variance"):
        peak = max(courses, key=lambda epoch: courses[epoch][name].value)
        before = courses[peak]
        names = (name, "longitudinal_distance")
        if all(last[fallen].value < CLEAR_FALL * before[fallen].value for fallen in names):
            return Diagnosis(
                "over-compression",
                f"After epoch {peak} identity is kept but {name.replace('_', ' ')} falls from "
                f"{before[name].value:.3g} to {last[name].value:.3g} and the distance between a subject's "
                "sessions with it: over-compression, in which change over time is lost. Prefer an epoch up "
                f"to {peak} where change matters.",
            )
    return None
