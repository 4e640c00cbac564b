"""The vector that only the loss sees."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn


@final
class Projector(nn.Module):
    """Embedding → hidden → ReLU → projection; normalised by the loss (Chen et al. 2020, section 4.2)."""

    def __init__(self, embedding: int, hidden: int, projection: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(embedding, hidden), nn.ReLU(), nn.Linear(hidden, projection))

    def forward(self, embedding: Float[Tensor, "batch embedding"]) -> Float[Tensor, "batch projection"]:
        return self.layers(embedding)
