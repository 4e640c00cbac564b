import lightning.pytorch as pl
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from clinimcl.data.batches import collated
from clinimcl.data.change_datasets import EmbeddingPairs
from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.modules.health_change import HealthChange, balanced_accuracy, class_weights
from clinimcl.training.schedule import one_cycle


def pairs(count=300):
    """Embeddings whose first dimension is the score, and pairs of them."""
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(60, 4)).astype(np.float32)
    rows = generator.integers(60, size=(count, 2))
    step = vectors[rows[:, 1], 0] - vectors[rows[:, 0], 0]
    change = 1 + np.sign(step).astype(int) * (np.abs(step) > 0.7)
    return vectors, pd.DataFrame({"earlier": rows[:, 0], "later": rows[:, 1], "change": change})


def learner(vectors, weights):
    torch.manual_seed(0)
    classifier = ChangeClassifier(4, combine="antisymmetric", hidden=[16], dropout=0.0)
    classifier.fit_scale(torch.from_numpy(vectors))

    def schedule(optimizer, total_steps):
        return one_cycle(optimizer, total_steps, warm_up=0.2)

    return HealthChange(
        nn.Identity(), classifier, lambda parameters: torch.optim.AdamW(parameters, lr=1e-2), schedule, weights
    )


def test_it_learns_a_change_that_the_embedding_tells(tmp_path):
    vectors, table = pairs()
    trainer = pl.Trainer(
        max_epochs=30,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    data = DataLoader(EmbeddingPairs(vectors, table), batch_size=50, collate_fn=collated)
    trainer.fit(learner(vectors, torch.ones(3)), data, data)
    assert trainer.callback_metrics["change/validation_balanced_accuracy"] > 0.9


def test_balanced_weights_make_classes_weigh_the_same():
    change = torch.tensor([0, 1, 1, 1, 1, 2])
    weights = class_weights(change, balanced=True)
    assert torch.allclose(weights * torch.bincount(change), torch.full((3,), 2.0))
    assert class_weights(change, balanced=False).tolist() == [1, 1, 1]


def test_a_class_without_pairs_weighs_one():
    assert class_weights(torch.tensor([0, 1]), balanced=True).isfinite().all()


def test_balanced_accuracy_is_the_mean_recall_of_the_classes_there_are():
    logits = nn.functional.one_hot(torch.tensor([0, 0, 0, 2]), 3).float()
    assert balanced_accuracy(logits, torch.tensor([0, 0, 2, 2])).item() == pytest.approx(0.75)
