import pytest
import torch

from clinimcl.encoders.swin import FrameSwin


def encoder(depths=(1, 1, 1, 1)):
    torch.manual_seed(0)
    return FrameSwin(width=4, depths=list(depths), heads=[1, 1, 2, 2], window=4, patch=4).eval()


@pytest.mark.parametrize(("frames", "side"), [(1, 32), (3, 40)])
def test_a_clip_of_any_length_and_size_becomes_one_embedding(frames, side):
    assert encoder()(torch.rand(2, 1, frames, side, side)).shape == (2, encoder().embedding)


def test_the_embedding_is_the_mean_over_frames():
    clip = torch.rand(1, 1, 2, 32, 32)
    alone = [encoder()(clip[:, :, [frame]]) for frame in range(2)]
    torch.testing.assert_close(encoder()(clip), torch.stack(alone).mean(dim=0))


def test_another_number_of_stages_is_refused():
    with pytest.raises(ValueError, match="depths and heads must have 4 entries"):
        encoder(depths=(1, 1))
