import pytest
import torch

from clinimcl.errors import UserError
from clinimcl.training.checkpoint_files import CheckpointFiles, read


def save(folder, name, epoch):
    content = {"state_dict": {"weight": torch.ones(50)}, "epoch": epoch}
    CheckpointFiles().save_checkpoint(content, folder / name)
    return folder / name


def test_a_checkpoint_that_is_damaged_names_one_beside_it_that_is_whole(tmp_path):
    save(tmp_path, "best.ckpt", 3)
    last = save(tmp_path, "last.ckpt", 7)
    content = bytearray(last.read_bytes())
    content[300] ^= 1
    last.write_bytes(content)
    with pytest.raises(UserError, match=r"last.ckpt is damaged.*best.ckpt beside it is whole, of epoch 4"):
        read(last)


def test_a_damaged_checkpoint_alone_names_no_other(tmp_path):
    last = save(tmp_path, "last.ckpt", 7)
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(UserError, match="is damaged") as told:
        read(last)
    assert "beside" not in str(told.value)


def test_a_write_that_fails_leaves_the_checkpoint_before(tmp_path):
    last = save(tmp_path, "last.ckpt", 7)
    before = last.read_bytes()
    with pytest.raises(AttributeError):
        CheckpointFiles().save_checkpoint({"epoch": 8, "state_dict": lambda: None}, last)
    assert last.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
