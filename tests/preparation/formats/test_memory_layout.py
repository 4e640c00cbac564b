from itertools import permutations, product

import numpy as np
import pytest

from clinimcl.preparation.formats.memory_layout import as_stored

VOXELS = np.arange(2 * 3 * 4).reshape(2, 3, 4)
EVERY_VIEW = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]


@pytest.mark.parametrize(("axes", "signs"), EVERY_VIEW)
def test_a_turned_and_flipped_view_is_read_in_the_order_of_its_bytes(axes, signs):
    view = VOXELS[tuple(slice(None, None, sign) for sign in signs)].transpose(axes)
    stored = as_stored(view)
    assert np.shares_memory(stored.voxels, VOXELS)
    assert np.array_equal(stored.voxels, VOXELS)


@pytest.mark.parametrize(("axes", "signs"), EVERY_VIEW)
def test_arrays_of_the_volume_s_axes_are_turned_with_it(axes, signs):
    view = VOXELS[tuple(slice(None, None, sign) for sign in signs)].transpose(axes)
    stored = as_stored(view)
    places = stored.turned([np.arange(size) for size in view.shape])
    slow, middle, fast = np.meshgrid(*places, indexing="ij")
    of_volume = [None] * 3
    for axis, place in zip(stored.axes, (slow, middle, fast), strict=True):
        of_volume[axis] = place
    assert np.array_equal(view[tuple(of_volume)], stored.voxels)


def test_gaps_between_voxels_are_closed():
    stored = as_stored(np.arange(64).reshape(4, 4, 4)[::2, :, 1:3])
    assert stored.voxels.flags.c_contiguous
    assert stored.voxels[1, 0].tolist() == [33, 34]
