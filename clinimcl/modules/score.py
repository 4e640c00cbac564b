"""Score pretraining: the embedding of one scan says its health score, near for near scores."""

from typing import Any, NamedTuple, final

import lightning.pytorch as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from clinimcl.data.augmentation import Augmentation
from clinimcl.data.batches import ScoredBatch
from clinimcl.data.clip_augmentation import ClipAugmentation
from clinimcl.errors import UserError
from clinimcl.training.all_gather import joined, joined_parts
from clinimcl.training.optimization import MakeOptimizer, MakeSchedule, generator_of_step, optimization

SELECTIONS = ("mse", "spearman")


class ScoreOutput(NamedTuple):
    """What one forward pass says of a batch."""

    prediction: Float[Tensor, " batch"]
    projection: Float[Tensor, "batch projection"]
    score: Float[Tensor, " batch"]
    subject: Int[Tensor, " batch"]


@final
class ScorePretraining(pl.LightningModule):
    """Logs `train/loss` a step; `validation/loss`, `validation/mse` and `validation/score_spearman` an epoch.

    The best epoch is the one with the least error or the highest rank correlation, as `selection` says: an encoder that
    has begun to know its training subjects by heart may still rank new ones better and better.

    Validation sees all scans at once: who always predicts the training mean has a `validation/mse` of about 1. Several
    processes share one batch: each has a part of its scans, and the objective sees them all.

    Source: LEARNER, section 2.2 (L = λ·MSE + (1 − λ)·CL); the contrast sees the embedding itself, or its projection
    where there is a projector.
    """

    def __init__(
        self,
        encoder: nn.Module,
        projector: nn.Module | None,
        objective: nn.Module,
        augmentation: Augmentation | ClipAugmentation | None,
        optimizer: MakeOptimizer,
        schedule: MakeSchedule | None,
        selection: str,
        seed: int,
    ) -> None:
        super().__init__()
        if selection not in SELECTIONS:
            raise UserError(f"module.selection must be {' or '.join(SELECTIONS)}, got {selection}")
        assert isinstance(encoder.embedding, int), "every encoder says how wide its embedding is"
        self.encoder = encoder
        self.projector = projector
        self.objective = objective
        self.regressor = nn.Linear(encoder.embedding, 1)
        self._augmentation = augmentation
        self._make_optimizer = optimizer
        self._make_schedule = schedule
        self._selection = selection
        self._seed = seed
        self._validated: list[ScoreOutput] = []

    def forward(self, volume: Float[Tensor, "batch 1 x y z"]) -> Float[Tensor, "batch embedding"]:
        return self.encoder(volume.float())

    def predicted(self, embedding: Float[Tensor, "batch embedding"]) -> Float[Tensor, " batch"]:
        """Normalised scores."""
        return self.regressor(embedding).squeeze(1)

    def output(self, batch: ScoredBatch, augmented: bool) -> ScoreOutput:
        volume = batch.volume.float()
        if augmented and self._augmentation is not None:
            draw = self._augmentation.draw(volume, generator_of_step(self, self._seed))
            volume = self._augmentation.apply(volume, draw)  # type: ignore[arg-type]  # each takes its own draw
        embedding = self.encoder(volume)
        projection = embedding if self.projector is None else self.projector(embedding)
        return ScoreOutput(self.predicted(embedding), projection, batch.score, batch.subject)

    def training_step(self, batch: ScoredBatch, batch_idx: int) -> Float[Tensor, ""]:
        loss = self.objective(*(joined(part) for part in self.output(batch, augmented=True)))
        shown = self.device.type == "cpu"  # a GPU would be waited for at every step
        self.log("train/loss", loss, batch_size=len(batch.subject), prog_bar=shown)
        return loss

    def validation_step(self, batch: ScoredBatch, batch_idx: int) -> None:
        self._validated.append(self.output(batch, augmented=False))

    def on_validation_epoch_end(self) -> None:
        output = ScoreOutput(*(joined_parts(parts).float() for parts in zip(*self._validated, strict=True)))
        self._validated.clear()
        error = (output.prediction - output.score).square().mean()
        loss = self.objective(*output._replace(subject=output.subject.long()))
        self.log("validation/loss", loss, prog_bar=True, sync_dist=True)
        self.log("validation/mse", error, prog_bar=True, sync_dist=True)
        ranking = spearman(output.prediction, output.score)
        self.log("validation/score_spearman", ranking, prog_bar=True, sync_dist=True)
        self.log("validation/selection", -error if self._selection == "mse" else ranking, sync_dist=True)

    def configure_optimizers(self) -> Any:
        return optimization(self, self._make_optimizer, self._make_schedule)


def spearman(first: Float[Tensor, " scan"], second: Float[Tensor, " scan"]) -> Float[Tensor, ""]:
    """Rank correlation, ties sharing the mean of their ranks; 0 where one of the two is constant."""
    ranks = torch.stack([_ranks(first), _ranks(second)])
    centred = ranks - ranks.mean(dim=1, keepdim=True)
    length = centred.norm(dim=1).prod()
    return (centred[0] * centred[1]).sum() / length.clamp(min=1e-12)


def _ranks(values: Float[Tensor, " scan"]) -> Float[Tensor, " scan"]:
    below = (values[:, None] > values[None, :]).sum(dim=1)
    return below + (values[:, None] == values[None, :]).sum(dim=1) / 2
