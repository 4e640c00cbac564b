"""Pairs of scans in a batch, as the score losses see them: the row is the anchor, the column the other scan."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from clinimcl.cohorts.decimals import ULPS

SHORTEST = 1e-4  # shorter embeddings are not stretched to unit length: their gradient would overflow in half precision


def at_least_float32(value: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Half precision becomes float32; float32 and float64 stay."""
    return value.to(torch.promote_types(value.dtype, torch.float32))


def cosine(embedding: Float[Tensor, "batch embedding"]) -> Float[Tensor, "batch batch"]:
    """Cosine similarity, in float32 at least."""
    direction = functional.normalize(at_least_float32(embedding), dim=1, eps=SHORTEST)
    return direction @ direction.T


def merge_ties(distance: Float[Tensor, "batch batch"], score: Float[Tensor, " batch"]) -> Float[Tensor, "batch batch"]:
    """Each row's distances of scores; those that differ by rounding alone are all the least of them.

    Losses see scores less their mean and by their deviation, which no longer hold that 24, 27 and 30 are equally far
    apart. Differences beneath `ULPS` units in the last place of the largest score are no difference: 1e-6 deviations.
    """
    score = at_least_float32(score)
    slack = ULPS * torch.finfo(score.dtype).eps * score.abs().max()
    ascending, order = distance.sort(dim=1)
    place = torch.arange(distance.shape[1], device=distance.device)
    begins = torch.where(ascending.diff(dim=1) > slack, place[1:], 0)
    first = functional.pad(begins, (1, 0)).cummax(dim=1).values
    return torch.zeros_like(distance).scatter(1, order, ascending.gather(1, first))


def score_distance(score: Float[Tensor, " batch"]) -> Float[Tensor, "batch batch"]:
    """Absolute difference of scores, in their own unit."""
    score = at_least_float32(score)
    return (score[:, None] - score[None, :]).abs()


def others(subject: Int[Tensor, " batch"], same_subject: bool) -> Bool[Tensor, "batch batch"]:
    """Whom an anchor is compared with: never itself, and its subject's other scans only with `same_subject`."""
    if same_subject:
        return ~torch.eye(len(subject), dtype=torch.bool, device=subject.device)
    return subject[:, None] != subject[None, :]


def log_share(logits: Float[Tensor, "batch batch"], among: Bool[Tensor, "batch batch"]) -> Float[Tensor, "batch batch"]:
    """Each pair's logit less the log of the sum of exponentials over `among`; meaningless, but finite, outside."""
    return logits - logits.masked_fill(~among, torch.finfo(logits.dtype).min).logsumexp(dim=1, keepdim=True)


def mean_where(value: Float[Tensor, "*rows last"], where: Bool[Tensor, "*rows last"]) -> Float[Tensor, "*rows"]:
    """Mean along the last axis of the values marked; 0, with a way for gradients, where none is."""
    return torch.where(where, value, 0).sum(dim=-1) / where.sum(dim=-1).clamp(min=1)
