"""The embeddings of two scans → logits of improved, stable, deteriorated."""

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from clinimcl.cohorts.change import CHANGES

COMBINATIONS = ("difference", "concatenation", "antisymmetric")


@final
class ChangeClassifier(nn.Module):
    """A perceptron on later − earlier, on both side by side, or on the difference with an antisymmetric answer.

    Antisymmetric: logits(d) = (f(d) + reversed f(−d)) / 2, so that exchanged scans exchange improved and deteriorated
    exactly. Embeddings are scaled, not centred, by the deviation that `fit_scale` measured.

    Source: LEARNER, section 2.3 (MLP: one hidden layer; MLP Large: three).
    """

    def __init__(self, embedding: int, combine: str, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        if combine not in COMBINATIONS:
            raise ValueError(f"combine must be {', '.join(COMBINATIONS)}, got {combine}")
        self.combine = combine
        widths = [embedding * (2 if combine == "concatenation" else 1), *hidden]
        layers: list[nn.Module] = []
        for incoming, outgoing in pairwise(widths):
            layers += [nn.Linear(incoming, outgoing), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], len(CHANGES)))
        self.register_buffer("scale", torch.ones(embedding))

    def fit_scale(self, embeddings: Float[Tensor, "scan embedding"]) -> None:
        """Of training scans; a dimension that never varies is left as it is."""
        deviation = embeddings.float().std(dim=0)
        self.scale = torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation))

    def forward(
        self, earlier: Float[Tensor, "batch embedding"], later: Float[Tensor, "batch embedding"]
    ) -> Float[Tensor, "batch 3"]:
        earlier, later = earlier / self.scale, later / self.scale
        if self.combine == "concatenation":
            return self.layers(torch.cat([earlier, later], dim=1))
        forth = self.layers(later - earlier)
        if self.combine == "difference":
            return forth
        return (forth + self.layers(earlier - later).flip(1)) / 2
