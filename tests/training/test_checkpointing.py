import lightning.pytorch as pl
import pytest
import torch
from torch.utils.data import DataLoader

from clinimcl.encoders.provenance import contract_path
from clinimcl.training.checkpoint_files import CheckpointFiles, read
from clinimcl.training.checkpointing import KeepBest, KeepEvery, RememberBest


class Counting(pl.LightningModule):
    """A weight that rises by one an epoch, and a logged value that is highest in the second and third."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        with torch.no_grad():
            self.weight += 1
        return 0 * self.weight.sum()

    def validation_step(self, batch, batch_idx):
        self.log("value", {0.0: 99.0, 1.0: 1.0, 2.0: 5.0, 3.0: 5.0, 4.0: 2.0}[self.weight.item()])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


class KilledIn(pl.Callback):
    """At the beginning of an epoch, counted from 1."""

    def __init__(self, epoch):
        self._epoch = epoch

    def on_train_epoch_start(self, trainer, _):
        if trainer.current_epoch + 1 == self._epoch:
            raise RuntimeError("killed")


def fit(folder, *callbacks, **resume):
    data = DataLoader([0.0])
    trainer = pl.Trainer(
        max_epochs=4,
        accelerator="cpu",
        callbacks=list(callbacks),
        plugins=[CheckpointFiles()],
        logger=False,
        enable_checkpointing=any(isinstance(callback, KeepBest) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0 if resume else None,
        default_root_dir=folder,
    )
    trainer.fit(Counting(), data, data, **resume)


def kept(folder):
    return KeepBest(folder, "best", "value"), KeepEvery(folder, 1)


def test_the_first_of_the_best_epochs_is_remembered_and_the_sanity_check_is_not(tmp_path):
    best = RememberBest("value")
    fit(tmp_path, best)
    assert best.state["weight"].item() == 2


@pytest.mark.filterwarnings("ignore:Checkpoint directory")  # hushed in a run
def test_a_run_that_was_killed_after_its_best_epoch_goes_on_with_that_one(tmp_path):
    with pytest.raises(RuntimeError, match="killed"):
        fit(tmp_path, *kept(tmp_path), KilledIn(3))
    fit(tmp_path, *kept(tmp_path), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert read(tmp_path / "best.ckpt")["state_dict"]["weight"].item() == 2  # the third is as good, and not better


def test_what_is_kept_of_an_epoch_knows_the_highest_value_up_to_it(tmp_path):
    fit(tmp_path, *kept(tmp_path))
    names = ["epoch-001", "epoch-002", "epoch-003", "epoch-004", "last"]
    states = [[*read(tmp_path / f"{name}.ckpt")["callbacks"].values()] for name in names]
    assert states == [[{"highest": highest}] for highest in (1.0, 5.0, 5.0, 5.0, 5.0)]


@pytest.mark.filterwarnings("ignore:Checkpoint directory")  # hushed in a run
def test_an_epoch_of_a_run_that_was_killed_has_the_contract_of_the_run(tmp_path):
    contract_path(tmp_path / "last.ckpt").write_text("who trained it")
    with pytest.raises(RuntimeError, match="killed"):
        fit(tmp_path, *kept(tmp_path), KilledIn(2))
    assert contract_path(tmp_path / "epoch-001.ckpt").read_text() == "who trained it"
