"""InfoNCE between visits: pick each anchor's own positive out of the batch."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


def info_nce(
    anchor: Float[Tensor, "batch projection"],
    positive: Float[Tensor, "batch projection"],
    subject: Int[Tensor, " batch"],
    *,
    temperature: float,
) -> Float[Tensor, " batch"]:
    """Cross-entropy of each anchor's own positive against all positives of the batch, one value an anchor.

    Inputs are normalised here, so similarities are cosines; logits are float32 whatever comes in. Other scans of the
    anchor's subject leave the denominator. Identical projections give log(batch).

    Source: van den Oord et al. 2018, eq. 4; ClinImCL, eq. 1.
    """
    with torch.autocast(anchor.device.type, enabled=False):
        cosine = functional.normalize(anchor.float(), dim=1) @ functional.normalize(positive.float(), dim=1).T
        same_subject = subject[:, None] == subject[None, :]
        not_a_negative = same_subject & ~torch.eye(len(subject), dtype=torch.bool, device=subject.device)
        logits = (cosine / temperature).masked_fill(not_a_negative, -torch.inf)
        own = torch.arange(len(subject), device=subject.device)
        return functional.cross_entropy(logits, own, reduction="none")


@final
class InfoNCE(nn.Module):
    """Mean over the batch of `info_nce`, in one direction or the mean of both.

    Raises:
        ValueError: the temperature is not positive.
    """

    def __init__(self, temperature: float, symmetric: bool) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.temperature = temperature
        self.symmetric = symmetric

    def forward(
        self,
        anchor: Float[Tensor, "batch projection"],
        positive: Float[Tensor, "batch projection"],
        subject: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """One value an anchor; their mean is the loss."""
        forth = info_nce(anchor, positive, subject, temperature=self.temperature)
        if not self.symmetric:
            return forth
        return (forth + info_nce(positive, anchor, subject, temperature=self.temperature)) / 2
