"""Losses that no change of speed may move. `CLINIMCL_GOLDEN=write python -m pytest tests/modules/test_golden.py`
writes them anew: whoever does that says why they moved."""

import functools
import json
import os
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from torch.utils.data import DataLoader

from clinimcl.data.batches import PairBatch, ScoredBatch
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.cnn3d_paper import CNN3dPaper
from clinimcl.encoders.projector import Projector
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.losses.ranked_contrast import RankedContrast
from clinimcl.losses.score_objective import ScoreObjective
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.score import ScorePretraining
from clinimcl.training.schedule import one_cycle

GOLDEN = Path(__file__).parent / "golden" / "losses.json"
TRAINING = {
    "augmentation": None,
    "optimizer": functools.partial(torch.optim.AdamW, lr=1e-2),
    "schedule": functools.partial(one_cycle, warm_up=0.25),
    "seed": 0,
}


def wave(*shape, start=0.0):
    """Numbers between −1 and 1 that nobody draws."""
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64) ** 1.5 * 0.1 + start).float().reshape(shape)


def small():
    return CNN3d(8, channels=[4, 8], groups=2, embedding=6)


def contrastive(encoder, chunk=None):
    projector, objective = Projector(6, hidden=6, projection=4), InfoNCE(temperature=0.1, symmetric=True)
    return ContrastivePretraining(encoder, projector, objective, chunk=chunk, **TRAINING)


def score():
    contrast = RankedContrast(weighted=True, mode="weighted", same_subject=False, epsilon=0.1)
    return ScorePretraining(small(), None, ScoreObjective(0.9, contrast), selection="mse", **TRAINING)


def pairs():
    heads = [wave(6, 1, 8, 8, 8, start=step) for step in range(4)]
    return [PairBatch(one, one + 0.5 * one.square(), torch.arange(6) // 2, torch.ones(6)) for one in heads]


def scans():
    return [ScoredBatch(wave(8, 1, 8, 8, 8, start=step), wave(8), torch.arange(8)) for step in range(4)]


CASES = {
    "contrastive, cnn3d": lambda: (contrastive(small()), pairs()),
    "contrastive, cnn3d in chunks": lambda: (contrastive(small(), chunk=4), pairs()),
    "contrastive, cnn3d_paper": lambda: (contrastive(CNN3dPaper(channels=[4, 8], embedding=6)), pairs()),
    "score, cnn3d": lambda: (score(), scans()),
}


class Losses(pl.Callback):
    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, trainer, *_):
        self.seen.append(trainer.callback_metrics["train/loss"].item())


def losses(module, batches, folder):
    for number, parameter in enumerate(module.parameters()):
        own = wave(*parameter.shape, start=number)
        parameter.data.copy_(own / parameter[0].numel() ** 0.5 if parameter.dim() > 1 else 1 + 0.1 * own)
    seen = Losses()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    fit = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        gradient_clip_val=1.0,
        enable_model_summary=False,
        default_root_dir=folder,
        callbacks=[seen],
        **quiet,
    )
    fit.fit(module, DataLoader(batches, batch_size=None), DataLoader(batches[:1], batch_size=None))
    return [*seen.seen, fit.callback_metrics["validation/loss"].item()]


@pytest.mark.parametrize("case", CASES)
def test_no_loss_moves(case, tmp_path):
    """Of four steps, and of validation after them."""
    found = losses(*CASES[case](), tmp_path)
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("CLINIMCL_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(golden | {case: found}, indent=1) + "\n")
    else:
        # with AVX2 or SSE4.1 alone, sums in another order move them by 1.4e-6
        assert found == pytest.approx(golden[case], rel=1e-5)
