"""The networks of a trained run, as files that run without torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from clinimcl.config.building import build
from clinimcl.config.settings import TrainSettings
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.errors import UserError
from clinimcl.exporting.onnx_files import write_network
from clinimcl.inference.onnx_networks import CLASSIFIER, ENCODER, IDENTITY, SCORE
from clinimcl.inference.onnx_networks import Networks as Exported
from clinimcl.inference.selftest import ask, made_up, worst
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.score import ScorePretraining
from clinimcl.runs import stages

MOST_ROUNDING = 1e-4


class Networks(NamedTuple):
    """In evaluation mode, float32, on the CPU."""

    encoder: nn.Module  # of change
    classifier: nn.Module
    score: nn.Module | None  # embedding → score in its own unit
    identity: nn.Module | None  # None where it is the encoder of change, or there is none
    tells_people: bool


class Restored(nn.Module):
    """The regressed score in its own unit."""

    def __init__(self, regressor: nn.Linear, mean: float, deviation: float) -> None:
        super().__init__()
        self.regressor = regressor
        self.mean, self.deviation = mean, deviation

    def forward(self, embedding: Float[Tensor, "batch embedding"]) -> Float[Tensor, "batch 1"]:
        return self.regressor(embedding) * self.deviation + self.mean


def networks(settings: TrainSettings, run: Path, identity: Path | None, datamodule: LongitudinalDataModule) -> Networks:
    """
    Raises:
        UserError: the run has no classifier, or the identity encoder sees other scans than the run's.
    """
    module = stages.pretrained(settings, run)
    with torch.inference_mode():
        width = module.encoder(datamodule.volumes.gather([0]).float()).shape[1]
    learner = stages.trained_change(settings, run, module, width)
    frozen = isinstance(learner.encoder, nn.Identity)
    encoder = module.encoder if frozen else learner.encoder
    score = None
    if frozen and isinstance(module, ScorePretraining):
        score = Restored(module.regressor, *datamodule.scale)
    own = frozen and isinstance(module, ContrastivePretraining)
    other = _identity(settings, identity, datamodule) if identity is not None else None
    if other is None and not frozen and isinstance(module, ContrastivePretraining):
        other = stages.pretrained(settings, run).encoder  # as it was before the classifier trained it on
    return Networks(encoder.eval(), learner.classifier.eval(), score, other, own or other is not None)


def _identity(settings: TrainSettings, run: Path, datamodule: LongitudinalDataModule) -> nn.Module:
    from clinimcl.runs.folder import settings_of

    other = settings_of(run)
    module = stages.pretrained(other, run)
    if not isinstance(module, ContrastivePretraining):
        raise UserError(f"identity={run} must be a run of contrastive pretraining, such as experiment=oasis_infonce")
    own = (build(settings.preparation, "preparation"), settings.loading["slices"])
    if (build(other.preparation, "preparation"), other.loading["slices"]) != own:
        raise UserError(f"identity={run} sees scans that are prepared otherwise: train it with the same preparation")
    return module.encoder.eval()


def names(found: Networks) -> list[str]:
    """Of the files that `found` is written to."""
    there = {ENCODER: found.encoder, CLASSIFIER: found.classifier, SCORE: found.score, IDENTITY: found.identity}
    return [name for name, network in there.items() if network is not None]


def write_networks(found: Networks, shape: Sequence[int], folder: Path) -> None:
    """`shape` of a scan as the encoder sees it."""
    seen = torch.from_numpy(made_up(shape))
    with torch.inference_mode():
        embedding = found.encoder(seen)
    write_network(found.encoder, {"volume": seen}, "embedding", folder / f"{ENCODER}.onnx")
    pair = {"earlier": embedding, "later": embedding.flip(0)}
    write_network(found.classifier, pair, "logits", folder / f"{CLASSIFIER}.onnx")
    if found.score is not None:
        write_network(found.score, {"embedding": embedding}, "score", folder / f"{SCORE}.onnx")
    if found.identity is not None:
        write_network(found.identity, {"volume": seen}, "embedding", folder / f"{IDENTITY}.onnx")


def check_same(found: Networks, exported: Exported, shape: Sequence[int]) -> None:
    """
    Raises:
        UserError: the exported networks differ from the trained ones by more than rounding.
    """
    seen = torch.from_numpy(made_up(shape))
    with torch.inference_mode():
        embedding = found.encoder(seen)
        expected = {ENCODER: embedding, CLASSIFIER: found.classifier(embedding, embedding.flip(0))}
        if found.score is not None:
            expected[SCORE] = found.score(embedding)
        if found.identity is not None:
            expected[IDENTITY] = found.identity(seen)
    off = worst(ask(exported, seen.numpy()), {name: value.numpy() for name, value in expected.items()})
    if not off < MOST_ROUNDING:
        raise UserError(f"the exported networks differ from the trained ones by {off:.2g} of the largest value")
