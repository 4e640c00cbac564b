"""InfoNCE between visits: pick each anchor's own positive out of the batch."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from clinimcl.losses.log_sums import LARGEST_LOGIT, log_sums
from clinimcl.losses.pairs import at_least_float32


def info_nce(
    anchor: Float[Tensor, "batch projection"],
    positive: Float[Tensor, "batch projection"],
    subject: Int[Tensor, " batch"],
    *,
    temperature: float,
    symmetric: bool = False,
) -> Float[Tensor, " batch"]:
    """Cross-entropy of each anchor's own positive against all positives of the batch, one value an anchor.

    Inputs are normalised here, so similarities are cosines; logits are float32 at least, whatever comes in. Other scans
    of the anchor's subject leave the denominator. Identical projections give log(batch). If symmetric, the mean with
    what picking each positive's own anchor gives. Memory grows with the batch, not with its square.

    Source: van den Oord et al. 2018, eq. 4; ClinImCL, eq. 1.
    """
    with torch.autocast(anchor.device.type, enabled=False):
        anchor, positive = at_least_float32(anchor), at_least_float32(positive)
        dtype = anchor.dtype
        if 1 / temperature > LARGEST_LOGIT[dtype]:
            anchor, positive = anchor.double(), positive.double()
        anchor = functional.normalize(anchor, dim=1) / temperature
        positive = functional.normalize(positive, dim=1)
        own = (anchor * positive).sum(dim=1)
        return (log_sums(anchor, positive, subject, symmetric=symmetric).mean(dim=0) - own).to(dtype)


@final
class InfoNCE(nn.Module):
    """Mean over the batch of `info_nce`, in one direction or the mean of both.

    Raises:
        ValueError: the temperature is not positive, or so low that exponentials overflow.
    """

    def __init__(self, temperature: float, symmetric: bool) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        if 1 / temperature > LARGEST_LOGIT[torch.float64]:
            raise ValueError(f"temperature must be at least 0.0015, or exponentials overflow, got {temperature}")
        self.temperature = temperature
        self.symmetric = symmetric

    def forward(
        self,
        anchor: Float[Tensor, "batch projection"],
        positive: Float[Tensor, "batch projection"],
        subject: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """One value an anchor; their mean is the loss."""
        return info_nce(anchor, positive, subject, temperature=self.temperature, symmetric=self.symmetric)
