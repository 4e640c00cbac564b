"""y-Aware InfoNCE: every other scan is a positive, the more so the nearer its score."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from clinimcl.losses.pairs import cosine, log_share, mean_where, others, score_distance


def y_aware(
    embedding: Float[Tensor, "batch embedding"],
    score: Float[Tensor, " batch"],
    subject: Int[Tensor, " batch"],
    *,
    sigma: float,
    temperature: float,
    same_subject: bool,
) -> Float[Tensor, ""]:
    """Cross-entropy of an anchor's similarities against a Gaussian kernel on scores; its mean over anchors.

    The form for one view a scan: an anchor's kernel weights, over the other scans of the batch, sum to 1. Without
    `same_subject` the other scans of its subject leave both sums. The printed 1/n inside the logarithm, a constant, is
    left out, so identical embeddings give the log of the number of others. An anchor without others contributes
    nothing.

    Source: Dufumier et al. 2021, "Contrastive learning with continuous proxy meta-data", y-Aware InfoNCE.
    """
    with torch.autocast(embedding.device.type, enabled=False):
        other = others(subject, same_subject)
        exponent = -((score_distance(score) / sigma) ** 2) / 2
        # normalised as a softmax: a narrow kernel may underflow to 0 at every score
        kernel = exponent.masked_fill(~other, torch.finfo(exponent.dtype).min).softmax(dim=1)
        value = -torch.where(other, kernel * log_share(cosine(embedding) / temperature, other), 0).sum(dim=1)
        return mean_where(value, other.any(dim=1))


@final
class YAware(nn.Module):
    """`y_aware` with its settings; `sigma` is the kernel's width in standard deviations of the score.

    Raises:
        ValueError: sigma or the temperature is not positive.
    """

    def __init__(self, sigma: float, temperature: float, same_subject: bool) -> None:
        super().__init__()
        if sigma <= 0:
            raise ValueError(f"sigma must be positive, got {sigma}")
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.sigma = sigma
        self.temperature = temperature
        self.same_subject = same_subject

    def forward(
        self,
        embedding: Float[Tensor, "batch embedding"],
        score: Float[Tensor, " batch"],
        subject: Int[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        return y_aware(
            embedding,
            score,
            subject,
            sigma=self.sigma,
            temperature=self.temperature,
            same_subject=self.same_subject,
        )
