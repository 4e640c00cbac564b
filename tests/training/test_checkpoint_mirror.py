import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException

from clinimcl.errors import UserError
from clinimcl.storage import bucket
from clinimcl.storage.tensor_files import write_tensors
from clinimcl.storage.tree import connect
from clinimcl.training import checkpoint_files, checkpoint_mirror
from clinimcl.training.checkpoint_mirror import Mirror, local_copy
from clinimcl.training.checkpointing import KeepEvery

RUN = "gs://bucket/runs/one"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(checkpoint_mirror, "LOOK", 0.01)


@pytest.fixture
def run(tmp_path):
    """A run's folder."""
    save(tmp_path / "checkpoints" / "last.ckpt", 1)
    (tmp_path / "checkpoints" / "last.ckpt.contract.json").write_text("{}")
    (tmp_path / "checkpoints" / ".last.ckpt.123").write_text("being written")
    (tmp_path / "splits.json").write_text("{}")
    (tmp_path / "metrics.csv").write_text("loss\n")
    return tmp_path


class Regression(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch):
        return self.layer(batch[0]).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def save(path, number):
    path.parent.mkdir(exist_ok=True)
    write_tensors({"state_dict": {"weight": torch.full((1000,), number)}, "epoch": number}, path)


def trained(folder, epochs, *callbacks):
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 2)))
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[KeepEvery(folder / "checkpoints", 1), *callbacks],
    )
    trainer.fit(Regression(), data)


def mirrored(run):
    """One that watches, without a training."""
    watching = Mirror(run, RUN)
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    watching.setup(trainer, Regression(), "fit")
    return watching


def in_bucket():
    filesystem, _ = connect(RUN)
    filesystem.invalidate_cache()
    return {name.removeprefix("bucket/runs/one/"): filesystem.cat_file(name) for name in filesystem.find(RUN)}


def test_what_a_training_saves_stands_in_the_bucket(link, tmp_path):
    trained(tmp_path, 2, Mirror(tmp_path, RUN))
    saved = {f"checkpoints/{path.name}": path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()}
    assert set(saved) == {"checkpoints/last.ckpt", "checkpoints/epoch-001.ckpt", "checkpoints/epoch-002.ckpt"}
    assert in_bucket() == saved


class ToldToEnd(pl.Callback):
    """After the second step."""

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 2:
            raise SIGTERMException


def test_what_a_training_saves_as_it_is_told_to_end_stands_in_the_bucket(link, tmp_path):
    with pytest.raises(SystemExit):
        trained(tmp_path, 1, Mirror(tmp_path, RUN), ToldToEnd())
    assert in_bucket() == {"checkpoints/last.ckpt": (tmp_path / "checkpoints" / "last.ckpt").read_bytes()}


def test_only_what_a_run_is_continued_from_is_copied(link, run):
    mirrored(run).finish(20.0)
    assert set(in_bucket()) == {"checkpoints/last.ckpt", "checkpoints/last.ckpt.contract.json", "splits.json"}


def test_what_did_not_change_is_not_copied_again(link, run):
    watching = mirrored(run)
    watching.finish(20.0)
    link.counts.clear()
    watching.finish(20.0)
    assert not link.counts


def test_bytes_that_were_flipped_on_the_way_are_sent_again(link, run):
    link.link.faults = ["flip"] * 3
    watching = mirrored(run)
    while link.link.faults:
        pass
    watching.finish(20.0)
    assert in_bucket()["checkpoints/last.ckpt"] == (run / "checkpoints" / "last.ckpt").read_bytes()


def test_bytes_that_were_flipped_on_the_way_never_take_the_place(link):
    bucket.upload(b"one" * 100, f"{RUN}/last.ckpt")
    link.link.faults = ["flip"]
    with pytest.raises(OSError, match="what arrived is not what was sent"):
        bucket.upload(b"two" * 100, f"{RUN}/last.ckpt")
    assert in_bucket()["last.ckpt"] == b"one" * 100


def test_a_mirror_that_fails_ends_no_training_and_is_told_in_a_sentence(link, tmp_path, capsys):
    link.link.refused = 403
    trained(tmp_path, 1, Mirror(tmp_path, RUN))
    said = capsys.readouterr().err
    assert said.startswith(
        f"not mirrored to {RUN}: epoch-001.ckpt (the link's fault), last.ckpt (the link's fault); all"
    )
    assert (tmp_path / "checkpoints" / "last.ckpt").is_file()


def test_the_end_waits_no_longer_than_it_may(link, run, capsys):
    link.link.latency = 3.0
    mirrored(run).finish(0.2)
    assert "what was not done within 0.2 s" in capsys.readouterr().err


def test_a_mirror_may_be_a_folder_that_is_not_there_yet(run, tmp_path):
    watching = Mirror(run, f"file://{tmp_path}/disk/runs/one")
    watching.check(may_replace=False)
    watching.finish(20.0)
    last = ("checkpoints", "last.ckpt")
    assert tmp_path.joinpath("disk", "runs", "one", *last).read_bytes() == run.joinpath(*last).read_bytes()


def test_a_bucket_that_can_be_written_passes_the_check_and_nothing_is_left(link, run):
    Mirror(run, RUN).check(may_replace=False)
    assert in_bucket() == {}


def test_a_training_that_stands_in_the_bucket_is_not_written_over(link, run):
    mirrored(run).finish(20.0)
    with pytest.raises(UserError, match=f"^{RUN} holds the checkpoints of a training: go on from it"):
        Mirror(run, RUN).check(may_replace=False)
    Mirror(run, RUN).check(may_replace=True)


@pytest.mark.parametrize(("url", "refused"), [("gs://nowhere/run", 0), (RUN, 403), (RUN, 401)])
def test_a_bucket_that_cannot_be_written_is_told_before_the_training(link, run, url, refused):
    link.link.refused = refused
    with pytest.raises(UserError, match=f"^checkpoints cannot be mirrored to {url} .*check that the bucket exists"):
        Mirror(run, url).check(may_replace=False)


def test_a_checkpoint_of_the_bucket_is_continued_from_a_copy(link, run, tmp_path):
    save(run / "checkpoints" / "best.ckpt", 2)
    mirrored(run).finish(20.0)
    link.link.faults = ["503", "cut", "flip"]
    path = local_copy(f"{RUN}/checkpoints/last.ckpt", tmp_path / "copy")
    assert path == tmp_path / "copy" / "checkpoints" / "last.ckpt"
    assert checkpoint_files.read(path)["epoch"] == 1
    names = {"last.ckpt", "last.ckpt.contract.json", "best.ckpt"}
    assert {found.name for found in path.parent.iterdir()} == names
    assert (path.parents[1] / "splits.json").is_file()


@pytest.mark.parametrize("damage", [lambda whole: whole[:-500], lambda whole: whole[:500] + b"x" + whole[501:]])
def test_a_checkpoint_that_was_damaged_in_the_bucket_is_refused(link, run, tmp_path, damage):
    save(run / "checkpoints" / "best.ckpt", 2)
    mirrored(run).finish(20.0)
    bucket.upload(damage((run / "checkpoints" / "last.ckpt").read_bytes()), f"{RUN}/checkpoints/last.ckpt")
    with pytest.raises(UserError, match=rf"{RUN}/checkpoints/last.ckpt cannot be continued: .*best.ckpt beside it is"):
        local_copy(f"{RUN}/checkpoints/last.ckpt", tmp_path / "copy")
    assert not (tmp_path / "copy" / "checkpoints" / "last.ckpt").exists()


def test_where_there_is_no_checkpoint_none_is_made(link, tmp_path):
    assert local_copy(f"{RUN}/checkpoints/last.ckpt", tmp_path) is None
    assert not (tmp_path / "checkpoints" / "last.ckpt").exists()


def test_a_checkpoint_that_may_not_be_read_is_told_in_a_sentence(link, tmp_path):
    link.link.refused = 403
    with pytest.raises(UserError, match=r"last.ckpt cannot be read \(403 Forbidden\): check the network and your cred"):
        local_copy(f"{RUN}/checkpoints/last.ckpt", tmp_path)
