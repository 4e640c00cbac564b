"""LEARNER's objective: regress the health score, and order the embeddings by it."""

from typing import final

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from clinimcl.losses.pairs import at_least_float32


@final
class ScoreObjective(nn.Module):
    """mse_weight · MSE + (1 - mse_weight) · contrast, both means, on scores normalised over the training subjects.

    `contrast` takes embedding, score and subject; null leaves the MSE alone.

    Raises:
        ValueError: the weight is outside 0 to 1, or leaves weight for a contrast that is not there.

    Source: LEARNER, algorithm 1, where the weight is λ.
    """

    def __init__(self, mse_weight: float, contrast: nn.Module | None) -> None:
        super().__init__()
        if not 0 <= mse_weight <= 1:
            raise ValueError(f"mse_weight must be between 0 and 1, got {mse_weight}")
        if mse_weight < 1 and contrast is None:
            raise ValueError(f"mse_weight must be 1 where contrast is null, got {mse_weight}: give a contrast, too")
        self.mse_weight = mse_weight
        self.contrast = contrast

    def forward(
        self,
        prediction: Float[Tensor, " batch"],
        embedding: Float[Tensor, "batch embedding"],
        score: Float[Tensor, " batch"],
        subject: Int[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        return self.weigh(*self.terms(prediction, embedding, score, subject))

    def terms(
        self,
        prediction: Float[Tensor, " batch"],
        embedding: Float[Tensor, "batch embedding"],
        score: Float[Tensor, " batch"],
        subject: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The two terms before their weights, to be logged apart; without a contrast the second is 0."""
        mse = functional.mse_loss(at_least_float32(prediction), at_least_float32(score))
        contrast = mse.new_zeros(()) if self.contrast is None else self.contrast(embedding, score, subject)
        return mse, contrast

    def weigh(self, mse: Float[Tensor, ""], contrast: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """The objective from its `terms`."""
        return self.mse_weight * mse + (1 - self.mse_weight) * contrast
