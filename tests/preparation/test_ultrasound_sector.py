import numpy as np
import pytest
from scipy import ndimage

from clinimcl.preparation.ultrasound_sector import find_picture

ROWS, COLUMNS = slice(20, 90), slice(30, 110)


def speckle(frames=10, shape=(70, 80)):
    return np.random.default_rng(0).integers(0, 160, (frames, *shape)).astype(np.uint8)


def screen(frames=10):
    """Speckle in a scanner's screen: a panel with print above, a ruler at the side, a clock that runs."""
    clip = np.zeros((frames, 100, 140), np.uint8)
    clip[:, :12] = 60
    clip[:, 3:9:2, 10:50:2] = 250
    clip[:, 20:90:5, 122:127] = 250
    clip[:, 94:97, 130:134] = np.arange(frames)[:, None, None] * 20
    clip[:, ROWS, COLUMNS] = speckle(frames)
    return clip


def edges(found):
    return [found.rows.start, found.rows.stop, found.columns.start, found.columns.stop]


@pytest.mark.parametrize("frames", [10, 1], ids=["loop", "still"])
def test_the_scanner_s_frame_and_print_are_cut_away(frames):
    found = find_picture(screen(frames).repeat(4, axis=1).repeat(4, axis=2))
    assert np.abs(np.array(edges(found)) / 4 - [20, 90, 30, 110]).max() <= 2


def test_print_in_the_corners_of_the_picture_is_blackened():
    clip = screen()
    y, x = np.mgrid[:100, :140]
    fan = np.abs(x - 70) < 10 + 0.4 * (y - 20)
    clip[:, ROWS, COLUMNS] *= fan[ROWS, COLUMNS]
    clip[:, 22:26, 32:40:2] = 250
    found = find_picture(clip)
    assert clip[:, ROWS, COLUMNS][:, :8, :10].max() == 250
    assert found.cut(clip)[:, :8, :10].max() == 0


@pytest.mark.parametrize("frames", [10, 1], ids=["loop", "still"])
def test_a_picture_without_a_frame_stays_whole(frames):
    assert edges(find_picture(speckle(frames))) == [0, 70, 0, 80]


def test_a_shadow_at_one_edge_is_not_cut_away():
    clip = speckle()
    clip[:, :, :30] = 0
    assert edges(find_picture(clip)) == [0, 70, 0, 80]


def test_black_margins_go_as_far_as_both_sides_have_them():
    clip = np.zeros((10, 90, 200), np.uint8)
    clip[:, 10:80, 40:120] = speckle()
    assert np.abs(np.array(edges(find_picture(clip))) - [10, 80, 40, 160]).max() <= 2


def test_an_echo_below_a_dark_stretch_belongs_to_the_picture():
    clip = screen()
    clip[:, 45:75, COLUMNS] = 0
    clip[:, 75:90, 30:60] = speckle(shape=(15, 30))
    found = find_picture(clip)
    assert found.rows.stop >= 88
    assert np.array_equal(clip[:, 76:88, 32:58], clip[:, 76:88, 32:58] * ~found.printed[76:88, 32:58])


def test_a_margin_without_print_goes_only_as_far_as_the_opposite_one():
    clip = np.zeros((40, 100, 140), np.uint8)
    clip[:, 20:60, 30:110] = speckle(40, shape=(40, 80))
    clip[:, 20:90:2, 122:127] = 250
    rows, columns, _ = find_picture(clip)
    assert (rows.start, rows.stop, columns.stop) == (20, 80, 110)


def test_a_frame_in_which_nothing_lives_stays_whole():
    assert edges(find_picture(np.zeros((3, 40, 50), np.uint8))) == [0, 40, 0, 50]


def tissue(frames=100):
    """Speckle that flows slowly, brighter at the top, in a picture of 320 × 320 that fills the frame."""
    random = np.random.default_rng(0)
    flow = ndimage.gaussian_filter(random.normal(size=(320 + frames, 320)), 2)[:, :, None]
    flow = (flow / flow.std())[..., 0]
    light = 90 * np.exp(-np.arange(320) / 120)[:, None]
    speckle = [np.clip(light * (1 + 0.35 * flow[time : time + 320]) + 4 * flow[:320], 0, 255) for time in range(frames)]
    return np.stack(speckle).astype(np.uint8)


def framed(paint, frames=100):
    """`tissue` on a screen of 480 × 640 on which something else moves."""
    clip = np.zeros((frames, 480, 640), np.uint8)
    clip[:, 60:380, 160:480] = tissue(frames)
    for index, frame in enumerate(clip):
        paint(frame, index)
    return clip


def trace(frame, index):
    """An ECG that scrolls below the picture."""
    phase = (np.arange(600) + 7 * index) % 120
    height = np.where(phase < 6, 30, np.where((phase > 40) & (phase < 65), 6, 0))
    for column, high in enumerate(height):
        frame[428 - high : 432, 20 + column] = 220


def bar(frame, index):
    frame[425:435, 160:480] = 60
    frame[425:435, 160 : 163 + 3 * index] = 200


def pointer(frame, index):
    frame[20 + 4 * index : 34 + 4 * index, 10 + index : 20 + index] = 255


def clock(frame, index):
    frame[440:460, 20:60] = np.random.default_rng(index // 10).integers(0, 2, (20, 40)) * 220


@pytest.mark.parametrize("frames", [2, 3, 4, 8, 20])
def test_tissue_that_stood_still_for_a_few_frames_is_no_print(frames):
    found = find_picture(tissue(frames))
    assert edges(found) == [0, 320, 0, 320] and not found.printed.any()


@pytest.mark.parametrize("shown", [2, 5, 10])
def test_a_frozen_screen_tells_nothing_of_movement(shown):
    clip = tissue(shown)
    found = find_picture(np.concatenate([clip, clip[-1:].repeat(100 - shown, axis=0)]))
    assert edges(found) == [0, 320, 0, 320] and not found.printed.any()


@pytest.mark.parametrize("paint", [trace, bar, pointer, clock])
def test_what_else_moves_on_a_screen_does_not_widen_the_picture(paint):
    alone = np.array(edges(find_picture(framed(lambda frame, index: None))))
    grown = np.array(edges(find_picture(framed(paint)))) - alone
    assert grown[0] >= -4 and grown[1] <= 4 and grown[2] >= -4 and grown[3] <= 4


@pytest.mark.parametrize("paint", [trace, bar])
def test_what_moves_beside_the_picture_becomes_black(paint):
    clip = framed(paint)
    outside = np.s_[:, 400:]
    assert clip[outside].max() >= 200
    assert (clip * ~find_picture(clip).printed)[outside].max() < 100


@pytest.mark.parametrize("frames", [1, 4, 40])
def test_print_beside_tissue_is_blackened_in_clips_of_every_length(frames):
    clip = framed(lambda frame, index: None, frames)
    clip[:, 100:360, 520:526] = 230
    found = find_picture(clip)
    assert found.printed[100:360, 520:526].all() and found.columns.stop <= 500


def test_black_frames_tell_nothing_of_movement():
    clip = framed(lambda frame, index: None)
    clip[:, 100:360, 520:526] = 230
    expected = find_picture(clip)
    clip[:2] = clip[-1] = 0
    found = find_picture(clip)
    assert edges(found) == edges(expected) and found.printed[100:360, 520:526].all()


def test_tissue_that_moves_once_is_no_trace():
    clip = np.zeros((100, 400, 320), np.uint8)
    clip[:, 40:360] = tissue()
    skin = 100 + 120 * ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(200, 320)), 1)
    clip[:50, :40], clip[50:, :40] = skin.clip(0, 255)[:40], skin.clip(0, 255)[100:140]
    assert not find_picture(clip).printed[:40].any()
