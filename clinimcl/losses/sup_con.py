"""SupCon on a score: scans of one score class attract each other."""

import itertools
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from clinimcl.cohorts.decimals import ULPS
from clinimcl.losses.pairs import at_least_float32, cosine, log_share, mean_where, others


def sup_con(
    embedding: Float[Tensor, "batch embedding"],
    score_class: Int[Tensor, " batch"],
    subject: Int[Tensor, " batch"],
    *,
    temperature: float,
    same_subject: bool,
) -> Float[Tensor, ""]:
    """Cross-entropy of finding the scans of an anchor's class among the others; its mean over anchors.

    There is one view a scan. Without `same_subject` the other scans of the anchor's subject leave both sums. An anchor
    alone in its class contributes nothing; where none contributes, the loss is 0. Identical embeddings give the log of
    the number of others.

    Source: Khosla et al. 2020, eq. 2 (L_out).
    """
    with torch.autocast(embedding.device.type, enabled=False):
        other = others(subject, same_subject)
        positive = other & (score_class[:, None] == score_class[None, :])
        value = -mean_where(log_share(cosine(embedding) / temperature, other), positive)
        return mean_where(value, positive.any(dim=1))


@final
class SupCon(nn.Module):
    """`sup_con` with classes cut from the score at `bins`, ascending edges; a score on an edge, or above it by
    rounding alone, is in the lower class.

    Edges are in the unit of the score given, standard deviations of the training subjects: quantiles of a batch would
    move the classes from batch to batch.

    Raises:
        ValueError: there is no edge, the edges do not ascend, or the temperature is not positive.
    """

    bins: Tensor

    def __init__(self, bins: Sequence[float], temperature: float, same_subject: bool) -> None:
        super().__init__()
        if not bins or any(later <= earlier for earlier, later in itertools.pairwise(bins)):
            raise ValueError(f"bins must be one or more ascending edges, got {list(bins)}")
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.register_buffer("bins", torch.tensor(list(bins)), persistent=False)
        self.temperature = temperature
        self.same_subject = same_subject

    def forward(
        self,
        embedding: Float[Tensor, "batch embedding"],
        score: Float[Tensor, " batch"],
        subject: Int[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        score = at_least_float32(score)
        edges = self.bins.to(score.dtype)
        edges = edges + ULPS * torch.finfo(score.dtype).eps * edges.abs().clamp(min=1)
        score_class = torch.bucketize(score, edges)
        return sup_con(embedding, score_class, subject, temperature=self.temperature, same_subject=self.same_subject)
