from dataclasses import replace

import numpy as np
import pytest

from clinimcl.preparation.clips import Clips, evenly
from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.pipeline import FieldOfView

CLIPS = Clips(frames=4, side=16, crop=False)


def clip(frames=8, height=20, width=40):
    """Each frame of one grey, brighter from frame to frame."""
    return Clip(np.stack([np.full((height, width), 20 * (index + 1), np.uint8) for index in range(frames)]))


def test_a_prepared_clip_is_float16_between_0_and_1():
    prepared = CLIPS.prepare(clip())
    assert (prepared.dtype, prepared.shape) == (np.float16, (4, 16, 16))
    assert prepared.min() == 0 and prepared.max() <= 1


def test_grey_levels_are_shares_of_white():
    assert np.allclose(CLIPS.prepare(clip())[:, 8, 8], np.array([40, 80, 120, 160]) / 255, atol=1e-3)


def test_frames_lie_evenly_over_the_clip():
    assert evenly(8, 4) == [1, 3, 5, 7]
    assert evenly(100, 8) == [6, 18, 31, 43, 56, 68, 81, 93]


def test_a_shorter_clip_repeats_its_frames():
    assert evenly(3, 8) == [0, 0, 0, 1, 1, 2, 2, 2]
    assert evenly(1, 4) == [0, 0, 0, 0]


def test_frames_lie_evenly_in_time():
    assert evenly(5, 4, np.array([0.0, 0.5, 0.54, 0.58, 0.62, 1.0])) == [0, 0, 4, 4]
    assert evenly(3, 2, np.array([7.0, 8.0, 8.0, 9.0])) == [0, 2]


@pytest.mark.parametrize("available", [1, 3, 59, 100, 101])
@pytest.mark.parametrize("wanted", [1, 4, 8, 16, 24])
def test_a_constant_rate_gives_the_same_frames_with_its_times_and_without(available, wanted):
    assert evenly(available, wanted, 0.3 + np.arange(available + 1) / 29.97) == evenly(available, wanted)


def test_a_clip_is_prepared_by_its_times():
    prepared = CLIPS.prepare(clip()._replace(edges=np.array([0, 6, 6.2, 6.4, 6.6, 6.8, 7, 7.5, 8.0])))
    assert np.allclose(prepared[:, 8, 8], np.array([20, 20, 20, 140]) / 255, atol=1e-3)


def test_nothing_is_stretched():
    lit = CLIPS.prepare(clip(height=20, width=40))[3] > 0.3
    assert (lit.any(axis=1).sum(), lit.any(axis=0).sum()) == (8, 16)


@pytest.mark.parametrize("side", [7, 64])
def test_resampling_keeps_brightness(side):
    frames = np.random.default_rng(0).integers(0, 255, (1, 32, 32)).astype(np.uint8)
    prepared = Clips(frames=1, side=side, crop=False).prepare(Clip(frames)).astype(float)
    assert abs(prepared[0, 1:-1, 1:-1].mean() - frames.mean() / 255) < 0.03


def test_cropping_enlarges_the_picture():
    frames = np.zeros((6, 60, 60), np.uint8)
    frames[:, 20:40, 20:40] = np.random.default_rng(0).integers(60, 200, (6, 20, 20))
    assert Clips(frames=2, side=16, crop=True).prepare(Clip(frames))[0, 2:-2, 2:-2].min() > 0.1
    assert CLIPS.prepare(Clip(frames))[0, :4].max() == 0


def test_a_clip_of_one_grey_is_unusable():
    with pytest.raises(UnusableScan, match="of one grey"):
        CLIPS.prepare(Clip(np.full((3, 16, 16), 7, np.uint8)))


def test_volumes_and_videos_go_to_their_own_pipelines():
    scan = Scan(np.ones((4, 4, 4), np.float32), (1.0, 1.0, 1.0))
    with pytest.raises(UnusableScan, match=r"is a volume.*preparation=field_of_view"):
        CLIPS.prepare(scan)
    with pytest.raises(UnusableScan, match=r"is a video or a still.*preparation=clips"):
        FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none").prepare(clip())


def test_parameters_are_checked_and_change_the_digest():
    assert CLIPS.digest != Clips(frames=4, side=16, crop=True).digest
    with pytest.raises(ValueError, match="frames must be at least 1 and side 2 pixels, got 0 and 16"):
        Clips(frames=0, side=16, crop=True)


def test_a_clip_in_a_byte_a_pixel_is_the_nearest_step():
    exact, coarse = (replace(CLIPS, dtype=dtype).prepare(clip()).astype(float) for dtype in ("float16", "uint8"))
    assert np.array_equal(coarse * 256, np.rint(coarse * 256)) and 0 < np.abs(exact - coarse).max() <= 1 / 256
