import functools

import lightning.pytorch as pl
import pytest
import torch
from scipy.stats import spearmanr
from torch.utils.data import DataLoader

from clinimcl.data.batches import ScoredBatch
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.errors import UserError
from clinimcl.losses.ranked_contrast import RankedContrast
from clinimcl.losses.score_objective import ScoreObjective
from clinimcl.modules.score import ScorePretraining, spearman


def module(selection="mse"):
    torch.manual_seed(0)
    contrast = RankedContrast(weighted=True, mode="weighted", same_subject=False, epsilon=0.1)
    return ScorePretraining(
        encoder=CNN3d(8, channels=[4, 8], groups=2, embedding=6),
        projector=None,
        objective=ScoreObjective(0.9, contrast),
        augmentation=None,
        optimizer=functools.partial(torch.optim.AdamW, lr=1e-2),
        schedule=None,
        selection=selection,
        seed=0,
    )


def scans(count=16):
    generator = torch.Generator().manual_seed(0)
    score = torch.randn(count, generator=generator)
    volume = torch.rand(count, 1, 8, 8, 8, generator=generator) + score[:, None, None, None, None]
    return [ScoredBatch(*item) for item in zip(volume, score, torch.arange(count), strict=True)]


def test_it_learns_the_score_that_the_brightness_tells(tmp_path):
    learner = module()
    trainer = pl.Trainer(
        max_epochs=15,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(learner, DataLoader(scans(), batch_size=8), DataLoader(scans(), batch_size=5))
    assert trainer.callback_metrics["validation/mse"] < 0.5
    assert trainer.callback_metrics["validation/score_spearman"] > 0.9


@pytest.mark.parametrize("selection", ["mse", "spearman"])
def test_the_best_epoch_is_judged_as_selected(selection, tmp_path):
    trainer = pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    (found,) = trainer.validate(module(selection), DataLoader(scans(), batch_size=5), verbose=False)
    judged = {"mse": -found["validation/mse"], "spearman": found["validation/score_spearman"]}
    assert found["validation/selection"] == judged[selection]


def test_another_selection_is_refused():
    with pytest.raises(UserError, match="mse or spearman, got accuracy"):
        module("accuracy")


@pytest.mark.parametrize("seed", range(3))
def test_rank_correlation_is_scipy_s_with_ties(seed):
    first, second = torch.randint(0, 5, (2, 20), generator=torch.Generator().manual_seed(seed)).float()
    assert spearman(first, second).item() == pytest.approx(spearmanr(first, second).statistic, abs=1e-6)


def test_a_constant_prediction_has_no_rank_correlation():
    assert spearman(torch.zeros(5), torch.arange(5.0)) == 0
