import functools
import os
import signal

import lightning.pytorch as pl
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import Checkpoint

from clinimcl.cohorts.splits import Splitting
from clinimcl.cohorts.table import Table
from clinimcl.data.augmentation import Augmentation
from clinimcl.data.datamodule import Loading
from clinimcl.data.datamodules import TableDataModule
from clinimcl.data.sampling import Sampling, ScanSampling
from clinimcl.data.volumes import as_frames
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.projector import Projector
from clinimcl.errors import UserError
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.preparation.engines.engine import Local
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.store.store import Store
from clinimcl.training.checkpoint_files import CheckpointFiles, read
from clinimcl.training.checkpointing import ChanceOfStep, KeepBest, KeepEvery
from clinimcl.training.graceful_stop import EndAsTold
from clinimcl.training.schedule import one_cycle

SPLIT = Splitting(by="split", stratify=[], validation=0.1, test=0.2, seed=0)
PAIRS = Sampling(batch=3, pairs_per_epoch=6, subject_share=1.0, seed=0)
AUGMENTATION = Augmentation(7.0, 0.04, scale=0.0, bias=0.1, contrast=0.1, noise=0.03, same_pose_in_pair=False)
PIPELINE = FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """12 subjects with two sessions each, 100 days apart."""
    folder, rows = tmp_path_factory.mktemp("cohort"), []
    for subject in range(12):
        for session in range(2):
            voxels = np.random.default_rng((subject, session)).random((12, 12, 12), dtype=np.float32)
            name = f"{subject}_{session}.nii"
            nib.save(nib.Nifti1Image(voxels, np.diag([10, 10, 10, 1])), folder / name)
            split = "train" if subject < 6 else "validation" if subject < 9 else "test"
            score = "" if (subject, session) == (0, 0) else str(20 + subject + 3 * session)
            own = {"subject": f"s{subject}", "day": 100 * session, "path": name, "split": split}
            rows.append({**own, "points": score, "same": 3})
    pd.DataFrame(rows).to_csv(folder / "scans.csv", index=False)
    return folder


def datamodule(root, workers=0, place="disk", slices=None, score=None, pretrain=PAIRS):
    shared = {"score": score, "higher_is": "better" if score else None, "mask": None, "spacing": None, "fold": None}
    return TableDataModule(
        cohort=Table(root=str(root), modality="T1w", split=SPLIT, **shared),
        pipeline=PIPELINE,
        store=Store(root / "store"),
        engine=Local(1),
        most_set_aside=0.0,
        pretrain=pretrain,
        loading=Loading(workers=workers, pin_memory=False, place=place, slices=slices, evaluation_batch=2),
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
        projector=torch.nn.Sequential(torch.nn.Dropout(0.3), Projector(embedding=6, hidden=6, projection=4)),
        objective=InfoNCE(temperature=0.1, symmetric=False),
        augmentation=AUGMENTATION,
        optimizer=functools.partial(torch.optim.AdamW, lr=1e-2),
        schedule=functools.partial(one_cycle, warm_up=0.25),
        seed=0,
    )


def fit(root, epochs, *callbacks, workers=0, pretrain=PAIRS, **resume):
    module = learner()
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[ChanceOfStep(0), *callbacks, EndAsTold()],
        plugins=[CheckpointFiles()],
        logger=False,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule(root, workers, pretrain=pretrain), **resume)
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
    assert ready(root, slices=2).volumes.gather([0]).shape == (1, 1, 2, 8, 8)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_run_draws_the_pairs_of_an_undisturbed_one(root, tmp_path, workers):
    whole = fit(root, 4, KeepEvery(tmp_path, 2), workers=workers)
    resumed = fit(root, 4, workers=workers, ckpt_path=tmp_path / "epoch-002.ckpt", weights_only=True)
    assert torch.equal(whole, resumed)


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("slices", [None, 2])
@pytest.mark.parametrize("place", ["disk", "memory"])
def test_a_batch_holds_its_rows_in_their_order_wherever_the_scans_lie(root, place, slices, joined):
    module = ready(root, slices=slices)
    if joined:
        module.store.join(zip(module.scans["key"], module.scans["checksum"], strict=True), 4)
    if place == "memory":
        module.volumes.hold(torch.device("cpu"))
    rows = [5, 0, 5]
    arrays = [np.array(module.store.get(*module.scans.loc[row, ["key", "checksum"]])) for row in rows]
    expected = [array if slices is None else as_frames(array, slices) for array in arrays]
    assert np.array_equal(module.volumes.gather(rows)[:, 0].numpy(), np.stack(expected))


def test_a_batch_may_be_written_to_without_harm_to_the_next(root):
    module = ready(root)
    module.volumes.hold(torch.device("cpu"))
    before = module.volumes.gather([1, 2]).clone()
    module.volumes.gather([1, 2]).zero_()
    assert torch.equal(module.volumes.gather([1, 2]), before)


def test_training_takes_the_scans_to_where_they_are_wanted(root):
    module = ready(root, place="memory")
    batches = list(module.train_dataloader())
    for path in (root / "store" / "arrays").iterdir():
        path.rename(path.with_suffix(".away"))
    again = list(module.train_dataloader())
    for path in (root / "store" / "arrays").iterdir():
        path.rename(path.with_suffix(".npy"))
    assert all(torch.equal(one.anchor, other.anchor) for one, other in zip(batches, again, strict=True))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"place": "tape"}, "place must be disk, memory or device, got tape"),
        ({"place": "device", "workers": 1}, "place=device needs no workers and no pinned memory"),
    ],
)
def test_a_place_that_cannot_be_is_refused(settings, sentence):
    shared = {"workers": 0, "pin_memory": False, "slices": None, "evaluation_batch": 2}
    with pytest.raises(ValueError, match=sentence):
        Loading(**shared | settings)


class TermAt(pl.Callback):
    """SIGTERM, as a scheduler sends it, in one of the hooks."""

    def __init__(self, hook, step):
        self._step = step
        setattr(self, hook, self._told)

    def _told(self, trainer, *_):
        if trainer.global_step == self._step and not trainer.sanity_checking:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.filterwarnings("ignore:You're resuming", "ignore:Checkpoint directory")  # hushed in a run
@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker")  # where there is one core
@pytest.mark.parametrize(
    ("hook", "step", "workers"),
    [
        ("on_train_batch_start", 4, (0, 0)),  # 3 steps an epoch: amid the second
        ("on_train_batch_end", 5, (2, 0)),
        ("on_train_batch_end", 4, (0, 1)),
        ("on_train_batch_end", 5, (1, 2)),
        ("on_train_batch_end", 6, (0, 0)),  # the last step of an epoch
        ("on_validation_start", 6, (0, 0)),
        ("on_validation_batch_end", 6, (1, 0)),
        ("on_validation_epoch_end", 6, (0, 0)),
        ("on_train_epoch_end", 6, (0, 0)),
    ],
)
def test_a_run_that_was_told_to_end_at_any_step_goes_on_as_if_it_had_not(root, tmp_path, hook, step, workers):
    pretrain = Sampling(batch=3, pairs_per_epoch=9, subject_share=1.0, seed=0)
    kept = {name: KeepBest(tmp_path / name, "best", "validation/selection") for name in ("whole", "cut")}
    whole = fit(root, 4, kept["whole"], KeepEvery(tmp_path / "whole", 9), pretrain=pretrain)
    first, second = workers
    cut = [KeepEvery(tmp_path / "cut", 9), TermAt(hook, step)]
    with pytest.raises(SystemExit):
        fit(root, 4, kept["cut"], *cut, workers=first, pretrain=pretrain)
    assert read(tmp_path / "cut" / "last.ckpt")["global_step"] == step + (hook == "on_train_batch_start")
    best = KeepBest(tmp_path / "cut", "best", "validation/selection")
    resume = {"ckpt_path": tmp_path / "cut" / "last.ckpt", "weights_only": True}
    resumed = fit(root, 4, best, KeepEvery(tmp_path / "cut", 9), workers=second, pretrain=pretrain, **resume)
    assert torch.equal(whole, resumed)
    ends = [read(tmp_path / name / "best.ckpt")["state_dict"] for name in ("whole", "cut")]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.mark.filterwarnings("ignore:You're resuming", "ignore:Checkpoint directory")  # hushed in a run
def test_a_run_that_is_killed_amid_a_long_epoch_loses_what_came_after_the_last_save_alone(root, tmp_path):
    pretrain = Sampling(batch=3, pairs_per_epoch=9, subject_share=1.0, seed=0)
    whole = fit(root, 2, pretrain=pretrain)

    class Killed(pl.Callback):
        def on_train_batch_start(self, trainer, *_):
            if trainer.global_step == 2:
                raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fit(root, 2, KeepEvery(tmp_path, 9, minutes=0.0), Killed(), pretrain=pretrain)
    assert read(tmp_path / "last.ckpt")["global_step"] == 2
    resumed = fit(root, 2, pretrain=pretrain, ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert torch.equal(whole, resumed)
