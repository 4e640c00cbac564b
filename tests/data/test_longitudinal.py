import functools

import lightning.pytorch as pl
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch

from clinimcl.cohorts.splits import Splitting
from clinimcl.cohorts.table import Table
from clinimcl.data.longitudinal import Loading, as_frames
from clinimcl.data.sampling import Sampling, ScanSampling
from clinimcl.data.table import TableDataModule
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.projector import Projector
from clinimcl.errors import UserError
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.keep import KeepEvery
from clinimcl.preparation.engine import Local
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.store import Store

SPLIT = Splitting(by="split", stratify=[], validation=0.1, test=0.2, seed=0)
PAIRS = Sampling(batch=3, pairs_per_epoch=6, subject_share=1.0, seed=0)
PIPELINE = FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """12 subjects with two sessions each, 100 days apart."""
    folder, rows = tmp_path_factory.mktemp("cohort"), []
    for subject in range(12):
        for session in range(2):
            voxels = np.random.default_rng((subject, session)).random((8, 8, 8), dtype=np.float32)
            name = f"{subject}_{session}.nii"
            nib.save(nib.Nifti1Image(voxels, np.diag([10, 10, 10, 1])), folder / name)
            split = "train" if subject < 6 else "validation" if subject < 9 else "test"
            score = "" if (subject, session) == (0, 0) else str(20 + subject + 3 * session)
            own = {"subject": f"s{subject}", "day": 100 * session, "path": name, "split": split}
            rows.append({**own, "points": score, "same": 3})
    pd.DataFrame(rows).to_csv(folder / "scans.csv", index=False)
    return folder


def datamodule(root, workers=0, slices=None, score=None, pretrain=PAIRS):
    shared = {"score": score, "higher_is": "better" if score else None, "mask": None, "spacing": None, "fold": None}
    return TableDataModule(
        cohort=Table(root=str(root), modality="T1w", split=SPLIT, **shared),
        pipeline=PIPELINE,
        store=Store(root / "store"),
        engine=Local(1),
        most_set_aside=0.0,
        pretrain=pretrain,
        loading=Loading(workers=workers, pin_memory=False, slices=slices, evaluation_batch=2),
    )


def ready(root, **changes):
    module = datamodule(root, **changes)
    module.prepare_data()
    module.setup()
    return module


def learner():
    torch.manual_seed(0)
    return ContrastivePretraining(
        encoder=CNN3d(8, channels=[4], groups=2, embedding=6),
        projector=Projector(embedding=6, hidden=6, projection=4),
        objective=InfoNCE(temperature=0.1, symmetric=False),
        augmentation=None,
        optimizer=functools.partial(torch.optim.AdamW, lr=1e-2),
        schedule=None,
        seed=0,
    )


def fit(root, epochs, *callbacks, workers=0, **resume):
    module = learner()
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule(root, workers), **resume)
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def test_batches_hold_pairs_of_training_subjects(root):
    module = ready(root)
    batch = next(iter(module.train_dataloader()))
    trained = set(module.scans["subject"].factorize()[0][module.scans["split"] == "train"])
    assert batch.anchor.shape == batch.positive.shape == (3, 1, 8, 8, 8)
    assert set(batch.subject.tolist()) <= trained
    assert len(set(batch.subject.tolist())) == 3


def test_the_interval_goes_from_anchor_to_positive_in_years(root):
    for batch in ready(root).train_dataloader():
        torch.testing.assert_close(batch.interval.abs(), torch.full((3,), 100 / 365.25))


def test_validation_sees_every_validation_subject_once(root):
    subjects = torch.cat([batch.subject for batch in ready(root).val_dataloader()])
    assert len(subjects) == len(set(subjects.tolist())) == 3


def test_scans_come_in_the_order_asked_for(root):
    module = ready(root)
    rows = torch.cat([batch.row for batch in module.scan_dataloader([5, 2, 9])])
    assert rows.tolist() == [5, 2, 9]


def test_score_pretraining_sees_every_scored_scan_once_an_epoch(root):
    module = ready(root, score="points", pretrain=ScanSampling(batch=11, seed=0))
    (batch,) = module.train_dataloader()
    assert sorted(batch.subject.unique(return_counts=True)[1].tolist()) == [1, 2, 2, 2, 2, 2]


def test_scores_have_mean_0_and_deviation_1_over_training_scans(root):
    module = ready(root, score="points", pretrain=ScanSampling(batch=11, seed=0))
    (batch,) = module.train_dataloader()
    assert batch.score.mean().item() == pytest.approx(0, abs=1e-6)
    assert batch.score.std().item() == pytest.approx(1, abs=1e-6)


def test_too_few_scored_scans_for_a_batch_are_told(root):
    with pytest.raises(UserError, match="only 11 training scans have a score"):
        ready(root, score="points", pretrain=ScanSampling(batch=12, seed=0)).train_dataloader()


def test_score_pretraining_without_scores_is_refused(root):
    with pytest.raises(UserError, match="no train scan has a score"):
        ready(root, pretrain=ScanSampling(batch=2, seed=0))


def test_scores_that_are_all_the_same_are_refused(root):
    with pytest.raises(UserError, match="all 12 training scans have the same score, 3"):
        ready(root, score="same", pretrain=ScanSampling(batch=2, seed=0))


def test_slices_come_as_frames_from_bottom_to_top_with_the_face_up():
    volume = np.zeros((4, 4, 8), np.float16)
    volume[3, 3, 1] = 1  # right, anterior, low
    frames = as_frames(volume, 4)
    assert frames.shape == (4, 4, 4)
    assert np.argwhere(frames).tolist() == [[0, 0, 3]]


def test_a_loader_serves_slices(root):
    assert ready(root, slices=2).volumes.volume(0).shape == (1, 2, 8, 8)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_run_draws_the_pairs_of_an_undisturbed_one(root, tmp_path, workers):
    whole = fit(root, 4, KeepEvery(tmp_path, 2), workers=workers)
    resumed = fit(root, 4, workers=workers, ckpt_path=tmp_path / "epoch-002.ckpt", weights_only=True)
    assert torch.equal(whole, resumed)
