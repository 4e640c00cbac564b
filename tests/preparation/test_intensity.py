import numpy as np

from clinimcl.preparation import intensity


def head():
    voxels = np.zeros((20, 20, 20), np.float32)
    voxels[5:15, 5:15, 5:15] = np.random.default_rng(0).normal(500, 60, (10, 10, 10))
    return voxels


def test_intensities_lie_between_0_and_1():
    scaled = intensity.scale(head(), percentile=99.5)
    assert scaled.min() == 0 and scaled.max() == 1


def test_one_hot_voxel_does_not_move_the_scale():
    hot = head()
    hot[0, 0, 0] = 1e6
    plain, moved = intensity.scale(head(), percentile=99.5), intensity.scale(hot, percentile=99.5)
    assert np.abs(plain - moved)[1:].max() < 0.01


def test_the_scanner_s_units_do_not_matter():
    assert np.allclose(
        intensity.scale(head(), percentile=99.0),
        intensity.scale(7 * head() + 100, percentile=99.0),
        atol=1e-5,
    )


def test_the_share_of_air_does_not_matter():
    padded = np.pad(head(), 10)
    assert np.allclose(
        intensity.scale(head(), percentile=99.5),
        intensity.scale(padded, percentile=99.5)[10:-10, 10:-10, 10:-10],
        atol=0.01,
    )
