import pytest
import torch

from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.cnn3d_paper import CNN3dPaper
from clinimcl.encoders.projector import Projector


@pytest.mark.parametrize("grid", [8, 9, 16])
def test_cnn3d_takes_the_grid_that_it_was_built_for(grid):
    encoder = CNN3d(grid, channels=[8, 16], groups=4, embedding=6)
    assert encoder(torch.rand(3, 1, grid, grid, grid)).shape == (3, 6)


def test_cnn3d_sees_where_a_structure_lies():
    torch.manual_seed(0)
    encoder = CNN3d(16, channels=[8, 16], groups=4, embedding=6)
    here, there = torch.zeros(2, 1, 1, 16, 16, 16)
    here[..., 2:6, 2:6, 2:6] = 1
    there[..., 10:14, 10:14, 10:14] = 1
    assert (encoder(here) - encoder(there)).abs().max() > 1e-3


def test_cnn3d_embeds_a_scan_alike_in_any_batch():
    torch.manual_seed(0)
    encoder = CNN3d(8, channels=[8, 16], groups=4, embedding=6)
    scans = torch.rand(4, 1, 8, 8, 8)
    torch.testing.assert_close(encoder(scans)[:1], encoder(scans[:1]))


def test_the_paper_s_encoder_has_four_blocks_and_256_numbers():
    encoder = CNN3dPaper(channels=[16, 32, 64, 128], embedding=256)
    convolutions = [layer for layer in encoder.modules() if isinstance(layer, torch.nn.Conv3d)]
    assert [layer.out_channels for layer in convolutions] == [16, 32, 64, 128]
    assert encoder(torch.rand(2, 1, 16, 16, 16)).shape == (2, 256)


def test_the_projection_has_its_own_size():
    assert Projector(embedding=6, hidden=5, projection=4)(torch.rand(2, 6)).shape == (2, 4)
