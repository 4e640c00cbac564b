import pytest

from clinimcl.runs.stages import take_best
from clinimcl.storage.tensor_files import write_tensors


def save(path, step):
    path.parent.mkdir(exist_ok=True)
    write_tensors({"state_dict": {}, "epoch": 0, "global_step": step}, path)


@pytest.mark.parametrize(("step", "taken"), [(3, True), (4, True), (5, False)])
def test_the_best_epoch_before_a_continued_one_is_taken_along_and_none_after_it(tmp_path, step, taken):
    save(tmp_path / "before" / "epoch-002.ckpt", 4)
    save(tmp_path / "before" / "best.ckpt", step)
    take_best(tmp_path / "before" / "epoch-002.ckpt", tmp_path)
    assert (tmp_path / "best.ckpt").is_file() == taken


def test_a_best_epoch_that_is_damaged_is_left_behind(tmp_path):
    save(tmp_path / "before" / "epoch-002.ckpt", 4)
    (tmp_path / "before" / "best.ckpt").write_bytes(b"damaged")
    take_best(tmp_path / "before" / "epoch-002.ckpt", tmp_path)
    assert not (tmp_path / "best.ckpt").exists()
