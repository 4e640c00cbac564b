"""LEARNER's contrastive term: scans near in score attract each other, scans far in score repel."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from clinimcl.losses.pairs import cosine, mean_where, merge_ties, others, score_distance

MODES = ("paper", "weighted")
SMALLEST_SIMILARITY = 1e-4  # the logarithm is taken of no less, so a negative cannot win without bound


def near_and_far(
    distance: Float[Tensor, "batch batch"], among: Bool[Tensor, "batch batch"]
) -> tuple[Bool[Tensor, "batch batch"], Bool[Tensor, "batch batch"]]:
    """Each anchor's positives, the nearer half of `among`, and its negatives, the farther half.

    Of an odd number the middle one is a negative: B/2 - 1 positives and B/2 negatives in an even batch B. Equally far
    scans keep the order of the batch.
    """
    nearest_first = distance.masked_fill(~among, torch.inf).argsort(dim=1, stable=True)
    rank = nearest_first.argsort(dim=1)
    n_others = among.sum(dim=1, keepdim=True)
    near = rank < n_others // 2
    return near, among & ~near


def ranked_contrast(
    embedding: Float[Tensor, "batch embedding"],
    score: Float[Tensor, " batch"],
    subject: Int[Tensor, " batch"],
    *,
    weighted: bool,
    mode: str,
    same_subject: bool,
    epsilon: float,
) -> Float[Tensor, ""]:
    """Mean log similarity of an anchor's negatives less that of its positives; its mean over anchors.

    With d the distance of two scores, s the similarity of two embeddings and w = d + epsilon (1 unless `weighted`), a
    positive counts log(s) / w, and a negative

    - in mode `paper`, as printed: log(s w), with s the cosine, at least SMALLEST_SIMILARITY, without which the printed
      formula cannot be computed. As log(s w) = log(s) + log(w), w changes the value but no gradient of a negative.
    - in mode `weighted`, as the paper's text has it: w log(s), with s = (1 + cosine) / 2, which is never negative.

    Positives and negatives are as in `near_and_far`, with or without the anchor's subject (`same_subject`). The paper
    sums over pairs and anchors, here both are means, so that the batch size does not change the scale. An anchor with
    fewer than two others to compare with contributes nothing; where none contributes, the loss is 0.

    Source: LEARNER, eq. 2, eq. 3, algorithm 1.
    """
    assert mode in MODES
    with torch.autocast(embedding.device.type, enabled=False):
        distance = score_distance(score)
        positive, negative = near_and_far(merge_ties(distance, score), others(subject, same_subject))
        weight = distance + epsilon if weighted else torch.ones_like(distance)
        similarity = cosine(embedding) if mode == "paper" else (1 + cosine(embedding)) / 2
        similarity = similarity.clamp(min=SMALLEST_SIMILARITY)
        attraction = similarity.log() / weight
        repulsion = (similarity * weight).log() if mode == "paper" else similarity.log() * weight
        value = mean_where(repulsion, negative) - mean_where(attraction, positive)
        return mean_where(value, positive.any(dim=1))


@final
class RankedContrast(nn.Module):
    """`ranked_contrast` with its settings: CL, or wCL if `weighted`.

    `epsilon`, in standard deviations of the score, bounds the weight of a positive by its inverse when scores tie.

    Raises:
        ValueError: the mode is unknown, or epsilon is not positive.
    """

    def __init__(self, weighted: bool, mode: str, same_subject: bool, epsilon: float) -> None:
        super().__init__()
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode}")
        if epsilon <= 0:
            raise ValueError(f"epsilon must be positive, got {epsilon}")
        self.weighted = weighted
        self.mode = mode
        self.same_subject = same_subject
        self.epsilon = epsilon

    def forward(
        self,
        embedding: Float[Tensor, "batch embedding"],
        score: Float[Tensor, " batch"],
        subject: Int[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        return ranked_contrast(
            embedding,
            score,
            subject,
            weighted=self.weighted,
            mode=self.mode,
            same_subject=self.same_subject,
            epsilon=self.epsilon,
        )
