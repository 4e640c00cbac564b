"""Three-way health change: the embeddings of two scans say improved, stable or deteriorated."""

from typing import Any, final

import lightning.pytorch as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from clinimcl.cohorts.change import CHANGES
from clinimcl.data.batches import ChangeBatch
from clinimcl.training.optimization import MakeOptimizer, MakeSchedule, optimization


@final
class HealthChange(pl.LightningModule):
    """Logs `change/train_loss` a step, `change/validation_loss` and `change/validation_balanced_accuracy` an epoch.

    `encoder` is `nn.Identity` where batches hold the embeddings of a frozen one. `weights` of the classes in the
    loss, in the order deteriorated, stable, improved.

    Source: LEARNER, section 2.3.
    """

    def __init__(
        self,
        encoder: nn.Module,
        classifier: nn.Module,
        optimizer: MakeOptimizer,
        schedule: MakeSchedule | None,
        weights: Float[Tensor, "3"],
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.classifier = classifier
        self.register_buffer("weights", weights)
        self._make_optimizer = optimizer
        self._make_schedule = schedule
        self._validated: list[tuple[Float[Tensor, "batch 3"], Int[Tensor, " batch"]]] = []

    def forward(
        self, earlier: Float[Tensor, "batch ..."], later: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch 3"]:
        """Logits; both scans go through the encoder together."""
        both = self.encoder(torch.cat([earlier.float(), later.float()]))  # float16 may not be joined under autocast
        return self.classifier(*both.chunk(2))

    def training_step(self, batch: ChangeBatch, batch_idx: int) -> Float[Tensor, ""]:
        loss = self._loss(self(batch.earlier, batch.later), batch.change)
        self.log("change/train_loss", loss, batch_size=len(batch.change))
        return loss

    def validation_step(self, batch: ChangeBatch, batch_idx: int) -> None:
        self._validated.append((self(batch.earlier, batch.later).float(), batch.change))

    def on_validation_epoch_end(self) -> None:
        logits, change = (torch.cat(parts) for parts in zip(*self._validated, strict=True))
        self._validated.clear()
        loss = self._loss(logits, change)
        self.log("change/validation_loss", loss, prog_bar=True)
        self.log("change/validation_balanced_accuracy", balanced_accuracy(logits, change), prog_bar=True)
        self.log("change/selection", -loss)

    def configure_optimizers(self) -> Any:
        return optimization(self, self._make_optimizer, self._make_schedule)

    def _loss(self, logits: Float[Tensor, "batch 3"], change: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        assert isinstance(self.weights, Tensor)
        return functional.cross_entropy(logits.float(), change, weight=self.weights)


def class_weights(change: Int[Tensor, " pair"], balanced: bool) -> Float[Tensor, "3"]:
    """1 each, or the inverse of each class's share, so that every class weighs the same; an absent one weighs 1."""
    counts = torch.bincount(change, minlength=len(CHANGES)).float()
    return (
        torch.where(counts > 0, len(change) / (len(CHANGES) * counts.clamp(min=1)), 1.0) if balanced else counts * 0 + 1
    )


def balanced_accuracy(logits: Float[Tensor, "pair 3"], change: Int[Tensor, " pair"]) -> Float[Tensor, ""]:
    """Mean recall of the classes that there are."""
    hit = (logits.argmax(dim=1) == change).float()
    return torch.stack([hit[change == number].mean() for number in change.unique()]).mean()
