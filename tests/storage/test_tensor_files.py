import pytest
import torch

from clinimcl.errors import UserError
from clinimcl.storage.tensor_files import read_tensors, write_tensors


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "weights.ckpt"
    write_tensors({"weight": torch.arange(100.0)}, path)
    return path


def test_what_was_written_is_read(written):
    assert torch.equal(read_tensors(written)["weight"], torch.arange(100.0))


def test_torch_reads_the_file_as_any_other(written):
    assert torch.equal(torch.load(written, weights_only=True)["weight"], torch.arange(100.0))


def test_a_file_without_a_digest_is_read(tmp_path):
    torch.save({"weight": torch.ones(2)}, tmp_path / "other.pt")
    assert torch.equal(read_tensors(tmp_path / "other.pt")["weight"], torch.ones(2))


def test_a_flipped_bit_is_told_wherever_it_is(written):
    content = written.read_bytes()
    for place in range(0, len(content) - 41, 97):
        written.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(UserError, match="is damaged"):
            read_tensors(written)


@pytest.mark.parametrize("kept", [0, 10, 500, -1])
def test_a_file_cut_short_is_told(written, kept):
    written.write_bytes(written.read_bytes()[:kept])
    with pytest.raises(UserError, match="is damaged"):
        read_tensors(written)
