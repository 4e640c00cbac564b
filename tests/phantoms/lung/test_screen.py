from dataclasses import replace

import numpy as np
import pytest

from clinimcl.phantoms.lung.member import sample_member
from clinimcl.phantoms.lung.parameters import LUNG
from clinimcl.phantoms.lung.screen import MARGINS, View, grey, render, speckle

FILM = replace(LUNG.film, frames=3, side=96, samples=64, lines=48)
VIEW = View("linear", 50.0, 9.0, 0.0, 0.0, 55.0, 1.0, 7)


def clip(**changes):
    first = sample_member(0, 0, LUNG).visits[0].clips[0]
    return render(first.thorax, first.lung, VIEW._replace(**changes), FILM)


def test_a_clip_is_rendered_without_chance():
    np.testing.assert_array_equal(clip(), clip())


def test_a_clip_is_a_square_film_in_grey():
    assert clip().shape == (3, 96, 96)


@pytest.mark.parametrize(("probe", "depth"), [("linear", 50.0), ("convex", 90.0)])
def test_the_screen_around_the_picture_stands_still(probe, depth):
    frames = clip(probe=probe, depth=depth)
    changing = (frames != frames[0]).any(0)
    top, bottom, left, right = MARGINS
    assert changing.any()
    assert not changing[: top - 1].any() and not changing[:, : left - 1].any()
    assert not changing[-bottom + 1 :].any() and not changing[:, -right + 1 :].any()


def test_text_stands_on_the_screen_outside_the_picture():
    assert (clip()[0, : MARGINS[0] - 1] > 100).sum() > 10


def test_more_gain_makes_the_picture_brighter():
    assert clip(gain=6.0).mean() > clip(gain=-6.0).mean()


def test_a_convex_picture_widens_downwards():
    frame = clip(probe="convex", depth=90.0, gain=20.0)[0] > 0
    widths = frame[MARGINS[0] + 4 : -MARGINS[1] - 30].sum(1)
    assert widths[-1] > 1.3 * widths[0]


def test_speckle_is_rayleigh():
    still = np.zeros(64, np.float32)
    pattern = speckle(VIEW, FILM, still, 1)
    assert pattern.mean() == pytest.approx(1.0, abs=1e-3)
    assert pattern.std() == pytest.approx(np.sqrt(4 / np.pi - 1), abs=0.05)


def test_speckle_stays_where_it_is_told_to():
    still = np.repeat(np.array([0.97, 0.0], np.float32), 32)
    pattern = speckle(VIEW, FILM, still, 1)
    upper, lower = (
        np.corrcoef(pattern[0, rows].ravel(), pattern[1, rows].ravel())[0, 1] for rows in (slice(28), slice(36, 64))
    )
    assert upper > 0.8 > 0.3 > abs(lower)


def test_ten_decibels_are_as_many_greys_everywhere():
    levels = grey(np.array([[[0.1, 0.1 * 10**0.5]]], np.float32), VIEW)[0, 0]
    assert levels[1] - levels[0] == pytest.approx(255 * 10 / 55, abs=0.01)
