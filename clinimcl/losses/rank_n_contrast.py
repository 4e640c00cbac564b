"""Rank-N-Contrast: each other scan must be more similar to the anchor than all that are farther in score."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from clinimcl.losses.pairs import at_least_float32, mean_where, merge_ties, others, score_distance

BEFORE_ALL = -1.0  # sorts before any distance of scores


def rank_n_contrast(
    embedding: Float[Tensor, "batch embedding"],
    score: Float[Tensor, " batch"],
    subject: Int[Tensor, " batch"],
    *,
    temperature: float,
    same_subject: bool,
) -> Float[Tensor, ""]:
    """Cross-entropy of picking each other scan out of those at least as far in score from the anchor; mean over both.

    Similarity is the negative Euclidean distance of embeddings, not normalised, so the temperature is in their unit.
    There is one view a scan. Without `same_subject` the other scans of the anchor's subject are neither picked nor
    ranked. An anchor without others contributes nothing. Each anchor's others are sorted once, so memory grows with
    the square of the batch. Scans whose distances in score differ by rounding alone are equally far.

    Source: Zha et al. 2023, eq. 1, with the similarity and temperature of its experiments.
    """
    with torch.autocast(embedding.device.type, enabled=False):
        embedding = at_least_float32(embedding)
        # without matrix products, whose rounding would put close embeddings at distance 0
        far = torch.cdist(embedding, embedding, compute_mode="donot_use_mm_for_euclid_dist")
        logits = -far / temperature
        other = others(subject, same_subject)
        distance = merge_ties(score_distance(score), score).masked_fill(~other, BEFORE_ALL)
        ascending, order = distance.sort(dim=1)
        ranked = logits.masked_fill(~other, torch.finfo(logits.dtype).min).gather(1, order)
        log_sum_from_here = ranked.flip(1).logcumsumexp(dim=1).flip(1)
        first_as_far = torch.searchsorted(ascending, distance)  # before all ties: equally far scans are all ranked
        value = mean_where(log_sum_from_here.gather(1, first_as_far) - logits, other)
        return mean_where(value, other.any(dim=1))


@final
class RankNContrast(nn.Module):
    """`rank_n_contrast` with its settings.

    Raises:
        ValueError: the temperature is not positive.
    """

    def __init__(self, temperature: float, same_subject: bool) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.temperature = temperature
        self.same_subject = same_subject

    def forward(
        self,
        embedding: Float[Tensor, "batch embedding"],
        score: Float[Tensor, " batch"],
        subject: Int[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        return rank_n_contrast(embedding, score, subject, temperature=self.temperature, same_subject=self.same_subject)
