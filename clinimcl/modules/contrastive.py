"""Contrastive pretraining: the same person's scans near each other, other people's apart."""

from typing import Any, NamedTuple, final

import lightning.pytorch as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from clinimcl.data.augmentation import Augmentation
from clinimcl.data.batches import PairBatch
from clinimcl.data.clip_augmentation import ClipAugmentation
from clinimcl.training.all_gather import joined, joined_parts
from clinimcl.training.gradient_cache import check_chunks, in_chunks, split
from clinimcl.training.optimization import MakeOptimizer, MakeSchedule, generator_of_step, optimization


class PairOutput(NamedTuple):
    """Both views of a batch, after one forward pass."""

    embedding: Float[Tensor, "view batch embedding"]
    projection: Float[Tensor, "view batch projection"]
    subject: Int[Tensor, " batch"]


@final
class ContrastivePretraining(pl.LightningModule):
    """Logs `train/loss` a step, `validation/loss` and `validation/retrieval_top1` an epoch.

    Validation sees one fixed pair a subject, all of them at once: its loss is ln N for an encoder that knows nothing.
    Several processes share one batch: each has a part of its pairs, and all of the others for negatives. With `chunk`
    a part goes through the networks so many pairs at a time, and is augmented by other chance than as a whole.

    Raises:
        UserError: there are chunks, and a network has batch norm.
    """

    def __init__(
        self,
        encoder: nn.Module,
        projector: nn.Module,
        objective: nn.Module,
        augmentation: Augmentation | ClipAugmentation | None,
        optimizer: MakeOptimizer,
        schedule: MakeSchedule | None,
        seed: int,
        chunk: int | None = None,
    ) -> None:
        super().__init__()
        check_chunks(chunk, encoder, projector)
        self.encoder = encoder
        self.projector = projector
        self.objective = objective
        self._augmentation = augmentation
        self._make_optimizer = optimizer
        self._make_schedule = schedule
        self._seed = seed
        self._chunk = chunk
        self._validated: list[PairOutput] = []

    def forward(self, volume: Float[Tensor, "batch 1 x y z"]) -> Float[Tensor, "batch embedding"]:
        return self.encoder(volume.float())

    def both_views(
        self, batch: PairBatch, augmentation: Augmentation | ClipAugmentation | None, chunk: int = 0
    ) -> PairOutput:
        """One fused forward: with batch norm, two would be another model."""
        volume = torch.cat([batch.anchor.float(), batch.positive.float()])  # float16 may not be joined under autocast
        if augmentation is not None:
            draw = augmentation.draw(volume, generator_of_step(self, self._seed, chunk))
            volume = augmentation.apply(volume, draw)  # type: ignore[arg-type]  # each takes its own draw
        embedding = self.encoder(volume)
        projection = self.projector(embedding)
        views = (2, len(batch.subject), -1)
        return PairOutput(embedding.reshape(views), projection.reshape(views), batch.subject)

    def training_step(self, batch: PairBatch, batch_idx: int) -> Float[Tensor, ""]:
        projection = joined(self._projection(batch), dim=1)
        loss = self.objective(*projection, joined(batch.subject)).mean()
        shown = self.device.type == "cpu"  # a GPU would be waited for at every step
        self.log("train/loss", loss, batch_size=len(batch.subject), prog_bar=shown)
        return loss

    def _projection(self, batch: PairBatch) -> Float[Tensor, "view batch projection"]:
        if self._chunk is None:
            return self._projected(batch, 0)
        parameters = [*self.encoder.parameters(), *self.projector.parameters()]
        return in_chunks(self._projected, split(batch, self._chunk), parameters)

    def _projected(self, chunk: PairBatch, number: int) -> Float[Tensor, "view chunk projection"]:
        return self.both_views(chunk, self._augmentation, number).projection

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        self._validated.append(self.both_views(batch, None))

    def on_validation_epoch_end(self) -> None:
        embedding = joined_parts([output.embedding for output in self._validated], dim=1)
        projection = joined_parts([output.projection for output in self._validated], dim=1)
        subject = joined_parts([output.subject for output in self._validated])
        self._validated.clear()
        loss, retrieval = self.objective(*projection, subject).mean(), retrieval_top1(*embedding)
        self.log("validation/loss", loss, prog_bar=True, sync_dist=True)
        self.log("validation/retrieval_top1", retrieval, prog_bar=True, sync_dist=True)
        selection = retrieval - loss / 1000  # the loss decides between equal retrievals
        self.log("validation/selection", selection, sync_dist=True)

    def configure_optimizers(self) -> Any:
        return optimization(self, self._make_optimizer, self._make_schedule)


def retrieval_top1(
    anchor: Float[Tensor, "subject embedding"], positive: Float[Tensor, "subject embedding"]
) -> Float[Tensor, ""]:
    """Share of anchors whose nearest positive by cosine is their own."""
    cosine = functional.normalize(anchor.float(), dim=1) @ functional.normalize(positive.float(), dim=1).T
    own = torch.arange(len(anchor), device=anchor.device)
    return (cosine.argmax(dim=1) == own).float().mean()
