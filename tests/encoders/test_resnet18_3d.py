import pytest
import torch

from clinimcl.encoders.resnet18_3d import ResNet18In3d


def test_a_volume_becomes_one_embedding():
    encoder = ResNet18In3d(grid=40)
    assert encoder(torch.rand(2, 1, 40, 40, 40)).shape == (2, encoder.embedding)


def test_a_grid_that_would_become_one_voxel_is_refused():
    with pytest.raises(ValueError, match="grid must be above 32"):
        ResNet18In3d(grid=32)
