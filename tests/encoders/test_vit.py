import pytest
import torch

from clinimcl.encoders.vit import FrameViT


def encoder(side=32, patch=16):
    torch.manual_seed(0)
    return FrameViT(side, patch, embedding=24, layers=2, heads=3).eval()


@pytest.mark.parametrize("frames", [1, 3])
def test_a_clip_of_any_length_becomes_one_embedding(frames):
    assert encoder()(torch.rand(2, 1, frames, 32, 32)).shape == (2, encoder().embedding)


def test_the_embedding_is_the_mean_over_frames():
    clip = torch.rand(1, 1, 2, 32, 32)
    alone = [encoder()(clip[:, :, [frame]]) for frame in range(2)]
    torch.testing.assert_close(encoder()(clip), torch.stack(alone).mean(dim=0))


def test_a_side_that_patches_do_not_fill_is_refused():
    with pytest.raises(ValueError, match=r"side must be a multiple of patch=16, .* got 40"):
        encoder(side=40)
