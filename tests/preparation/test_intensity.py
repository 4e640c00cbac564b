import numpy as np
import pytest

from clinimcl.preparation import intensity
from clinimcl.preparation.formats.reading import UnusableScan


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


def whole(kind, most, offset=0):
    """A head of whole numbers, of more voxels than pyarrow sorts for want of many."""
    voxels = np.random.default_rng(0).gamma(0.5, 0.1, (24, 24, 24))
    voxels[6:18, 6:18, 6:18] += 0.6
    return (voxels.clip(0, 1) * most + offset).astype(kind)


WHOLE = [
    whole(np.uint8, 200),
    whole(np.int8, 100, offset=-50),
    whole(np.int16, 3000, offset=-1024),
    whole(np.int16, 60_000, offset=-30_000),
    whole(np.uint16, 60_000),
    whole(np.int32, 3000, offset=1_000_000),
]


@pytest.mark.parametrize("voxels", WHOLE, ids=lambda voxels: f"{voxels.dtype} from {voxels.min()}")
@pytest.mark.parametrize("percentile", [60.0, 99.5, 100.0])
def test_counting_tells_the_levels_that_sorting_tells(voxels, percentile):
    counted = intensity.levels(voxels, percentile=percentile)
    sorted_ = intensity.levels(voxels.astype(np.float32), percentile=percentile)
    assert np.allclose(counted, sorted_, rtol=1e-6)


@pytest.mark.parametrize("voxels", WHOLE, ids=lambda voxels: f"{voxels.dtype} from {voxels.min()}")
def test_levels_are_numpy_s_percentiles(voxels):
    levels = intensity.levels(voxels, percentile=97.3)
    head = voxels[voxels > voxels.mean()].astype(np.float64)
    assert np.allclose((levels.low, levels.high), (np.percentile(voxels, 0.5), np.percentile(head, 97.3)), rtol=1e-6)


def test_whole_numbers_too_far_apart_to_be_counted_are_sorted():
    voxels = whole(np.int64, 3000)
    voxels[0, 0, 0] = 10**15
    assert np.allclose(intensity.levels(voxels, percentile=99.5), intensity.levels(voxels * 1.0, percentile=99.5))


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_levels_that_meet_part_what_is_brighter_from_what_is_not(kind):
    voxels = np.full((10, 10, 10), 1000, kind)
    voxels[0, 0, :4], voxels[5, 5, 5] = 0, 2000
    scaled = intensity.scale(voxels, percentile=99.5)
    assert np.array_equal(scaled, voxels > 1000)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_brightness_may_end_at_zero(kind):
    voxels = np.where(head() > 0, 0, -1000).astype(kind)
    assert np.array_equal(intensity.scale(voxels, percentile=99.5), head() > 0)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_a_volume_whose_darkest_are_its_brightest_has_no_range(kind):
    voxels = np.full((10, 10, 10), 1000, kind)
    voxels[0, 0, 0] = 0
    with pytest.raises(UnusableScan, match="no range"):
        intensity.levels(voxels, percentile=99.5)


def test_excess_in_whole_numbers_is_what_it_is_in_others():
    voxels = whole(np.int16, 3000, offset=-1024)
    for high in (1500, 1500.5):
        levels = intensity.Levels(np.float32(-900), np.float32(high), 0.0)
        assert np.array_equal(levels.excess(voxels), levels.excess(voxels.astype(np.float64)))


def test_excess_beyond_what_the_kind_holds_does_not_wrap_around():
    voxels = whole(np.int16, 60_000, offset=-30_000)
    levels = intensity.Levels(np.float32(-30_000), np.float32(29_000), 0.0)
    assert np.array_equal(levels.excess(voxels), np.clip(voxels, -30_000, 29_000).astype(float) + 30_000)
