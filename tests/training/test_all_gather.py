"""Two processes that share a batch, beside one that has all of it: python tests/training/test_all_gather.py FOLDER."""

import functools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import distributed
from torch.utils.data import DataLoader

from clinimcl.data.batches import PairBatch, ScoredBatch
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.projector import Projector
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.losses.ranked_contrast import RankedContrast
from clinimcl.losses.score_objective import ScoreObjective
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.score import ScorePretraining
from clinimcl.training.checkpointing import KeepEvery
from clinimcl.training.graceful_stop import EndAsTold

STEPS, CHUNK = 3, 2
KINDS = ("contrastive", "chunked", "score")
COMMON = {
    "augmentation": None,
    "optimizer": functools.partial(torch.optim.SGD, lr=0.1),
    "schedule": None,
    "seed": 0,
}


def module(kind):
    torch.manual_seed(0)
    encoder, projector = CNN3d(8, channels=[4, 8], groups=2, embedding=6), Projector(6, hidden=6, projection=4)
    if kind == "score":
        contrast = RankedContrast(weighted=True, mode="weighted", same_subject=False, epsilon=0.1)
        return ScorePretraining(encoder, projector, ScoreObjective(0.5, contrast), selection="mse", **COMMON)
    objective = InfoNCE(temperature=0.1, symmetric=True)
    return ContrastivePretraining(encoder, projector, objective, chunk=CHUNK if kind == "chunked" else None, **COMMON)


def joint(kind, count, seed):
    """A batch of `count`; the subject of its first item comes again with the last one."""
    generator = torch.Generator().manual_seed(seed)
    anchor, positive = torch.rand(2, count, 1, 8, 8, 8, generator=generator)
    subject = torch.tensor([*range(count - 1), 0])
    if kind == "score":
        return ScoredBatch(anchor, torch.randn(count, generator=generator), subject)
    return PairBatch(anchor, positive, subject, torch.ones(count))


def part(batch, process):
    """Of two processes, or the whole batch for one."""
    half = -(-len(batch.subject) // 2)
    return batch if process is None else type(batch)(*(whole.split(half)[process] for whole in batch))


class Losses(pl.Callback):
    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, trainer, *_):
        self.seen.append(trainer.callback_metrics["train/loss"].item())


class Questions(pl.Callback):
    """What the processes ask each other from the end of a step to the next batch."""

    def __init__(self):
        self.asked, self._between = [], False
        for name in ("all_reduce", "all_gather", "broadcast", "barrier"):
            setattr(distributed, name, functools.partial(self._heard, name, getattr(distributed, name)))

    def _heard(self, name, ask, *arguments, **settings):
        if self._between:
            self.asked[-1].append(name)
        return ask(*arguments, **settings)

    def on_train_batch_start(self, *_):
        self._between = False

    def on_train_batch_end(self, *_):
        self._between = True
        self.asked.append([])


class TellTheSecond(pl.Callback):
    """SIGTERM in the first batch of a validation, and no batch after it."""

    def on_validation_batch_start(self, trainer, *_):
        if trainer.global_rank == 1 and not trainer.sanity_checking:
            os.kill(os.getpid(), signal.SIGTERM)

    def on_validation_epoch_end(self, trainer, _):
        assert trainer.sanity_checking


def trained(kind, folder, process=None, *callbacks, checkpoint=None):
    """Loss of each step, validation metrics and weights, after three steps of SGD, whose weights tell the gradients."""
    learner, losses = module(kind), Losses()
    steps = [part(joint(kind, 6, seed), process) for seed in range(STEPS)]
    validation = part(joint(kind, 5, STEPS), process)  # the second process has fewer
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=1 if process is None else 2,
        strategy="auto" if process is None else "ddp",
        use_distributed_sampler=False,
        callbacks=[losses, *callbacks, EndAsTold()],
        logger=False,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    batches = DataLoader(steps, batch_size=None), DataLoader([validation], batch_size=None)
    trainer.fit(learner, *batches, ckpt_path=checkpoint, weights_only=True)
    metrics = {name: value.item() for name, value in trainer.callback_metrics.items() if "validation" in name}
    weights = torch.cat([parameter.detach().flatten() for parameter in learner.parameters()])
    return {"losses": losses.seen, "metrics": metrics, "weights": weights.tolist()}


def told_and_taken_up(folder, process):
    """What `trained` gives of a training whose second process is told to end while it validates, and that goes on."""
    with pytest.raises(SIGTERMException):
        trained("contrastive", folder, process, KeepEvery(Path(folder), 1), TellTheSecond())
    return trained("contrastive", folder, process, checkpoint=Path(folder) / "last.ckpt")


def main():
    torch.set_num_threads(1)
    process = int(os.environ.get("LOCAL_RANK", 0))
    found = {kind: trained(kind, sys.argv[1], process) for kind in KINDS}
    questions = Questions()
    trained("contrastive", sys.argv[1], process, questions, KeepEvery(Path(sys.argv[1]), 1))
    found["asked"] = questions.asked[: STEPS - 1]  # the last step ends the epoch, too
    found["told"] = told_and_taken_up(sys.argv[1], process)
    (Path(sys.argv[1]) / f"{process}.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """What each of the two found."""
    folder = tmp_path_factory.mktemp("processes")
    subprocess.run([sys.executable, __file__, folder], check=True, capture_output=True, timeout=300)
    return [json.loads((folder / f"{process}.json").read_text()) for process in (0, 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_have_the_losses_and_gradients_of_one_with_the_joint_batch(kind, processes, tmp_path):
    alone = trained(kind, tmp_path)
    for found in processes:
        assert found[kind]["losses"] == pytest.approx(alone["losses"], rel=1e-5)
        torch.testing.assert_close(torch.tensor(found[kind]["weights"]), torch.tensor(alone["weights"]))


@pytest.mark.parametrize("kind", KINDS)
def test_validation_is_over_the_parts_of_all_processes(kind, processes, tmp_path):
    alone = trained(kind, tmp_path)["metrics"]
    assert alone
    for found in processes:
        assert found[kind]["metrics"] == pytest.approx(alone, rel=1e-4)


def test_where_one_is_told_to_end_amid_a_validation_both_do_and_go_on_as_if_it_had_not_been(processes):
    for found in processes:
        assert found["told"] == found["contrastive"] | {"losses": []}


def test_processes_ask_each_other_once_a_step_and_now_and_then_whether_to_save(processes):
    for found in processes:
        assert found["asked"] == [["all_reduce", "all_reduce"], ["all_reduce"]]


if __name__ == "__main__":
    main()
