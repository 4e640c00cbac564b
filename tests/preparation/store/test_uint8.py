import numpy as np

from clinimcl.preparation.store.uint8 import packed, unpacked

STEPS = np.arange(256, dtype=np.uint8)


def test_what_is_unpacked_packs_to_the_same():
    assert np.array_equal(packed(unpacked(STEPS)), STEPS)


def test_a_step_is_a_256th_exactly():
    assert np.array_equal(unpacked(STEPS).astype(float), np.arange(256) / 256)


def test_an_intensity_moves_by_half_a_step_at_most_and_white_by_one():
    given = np.linspace(0, 1, 5001, dtype=np.float32)
    moved = np.abs(unpacked(packed(given)).astype(float) - given)
    assert moved[given <= 255 / 256].max() <= 1 / 512 + 1e-7 and moved[-1] == 1 / 256
