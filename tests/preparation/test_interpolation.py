import numpy as np
import pytest

from clinimcl.preparation.interpolation import bands, triangle_weights


def plain_weights(size, spacing, centre, grid, field_of_view):
    """Each target's triangle over a lattice that goes on far past the samples."""
    step, margin = field_of_view / grid, 200
    weights = np.zeros((grid, size))
    for target in range(grid):
        place = centre + (target - (grid - 1) / 2) * step
        lattice = np.arange(-margin, size + margin) * spacing
        triangle = np.maximum(0, 1 - np.abs(place - lattice) / max(step, spacing))
        weights[target] = triangle[margin:-margin] / triangle.sum()
    return weights


EXAMPLES = [(20, 1.0, 9.5, 8, 18.0), (20, 1.3, 4.0, 9, 40.0), (6, 5.0, 12.0, 16, 20.0), (12, 1.0, 80.0, 7, 30.0)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_weights_are_those_of_the_plain_triangle(example):
    assert np.allclose(triangle_weights(*example), plain_weights(*example), atol=1e-7)


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("width", [1, 3, 100])
def test_bands_hold_every_weight_once(example, width):
    weights = triangle_weights(*example)
    gathered = np.zeros_like(weights)
    for band in bands(weights, width):
        gathered[band.targets, band.samples] += band.weights
    assert np.array_equal(gathered, weights)


def test_bands_leave_out_samples_without_a_weight():
    looked_at = sum(band.weights.size for band in bands(triangle_weights(100, 1.0, 49.5, 50, 100.0), 5))
    assert looked_at < 0.2 * 100 * 50
