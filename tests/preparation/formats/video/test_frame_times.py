import numpy as np
import pytest

from clinimcl.preparation.formats.video.frame_times import edges_of, slow_down


@pytest.mark.parametrize("times", [range(0, 60, 3), [0, 33, 67, 100, 133], [100, 133, 166, 200], [0], [None, None]])
def test_even_times_are_none_whatever_their_rounding(times):
    assert edges_of(times, None, 1000.0) is None


def test_a_frame_is_shown_until_the_next_comes():
    assert np.allclose(edges_of([10, 20, 60], 10, 100.0), [0, 0.1, 0.5, 0.6])


def test_one_dropped_frame_is_seen_where_a_tick_is_a_frame():
    assert np.allclose(edges_of([0, 1, 2, 4, 5], 1, 25.0) * 25, [0, 1, 2, 4, 5, 6])


def test_the_last_frame_of_even_ones_may_be_held():
    assert np.allclose(edges_of([0, 4, 8], 100, 100.0), [0, 0.04, 0.08, 1.08])
    assert edges_of([0, 4, 8], 5, 100.0) is None and edges_of([0, 4, 8], 1, 100.0) is None


def test_a_missing_time_lies_between_its_neighbours_or_on_beyond_them():
    assert edges_of([0, None, 20, None], 10, 1000.0) is None
    assert np.allclose(edges_of([10, 20, None, 80], 10, 10.0), [0, 1, 4, 7, 8])


def test_times_that_go_back_go_on_by_the_usual_step():
    assert edges_of([0, 10, 20, 0, 10, 20], 10, 100.0) is None


def test_a_frame_whose_time_is_another_s_is_never_shown():
    assert np.allclose(edges_of([0, 10, 10, 40], 10, 10.0), [0, 1, 1, 4, 5])


def test_estimated_times_may_be_a_step_off_or_go_on_from_elsewhere():
    assert edges_of([0, 10, 30, 30, 40, 50], 10, 100.0) is not None
    assert edges_of([0, 10, 30, 30, 40, 50], 10, 100.0, estimated=True) is None
    assert edges_of([0, 10, 20, 10**6, 10**6 + 10], 10, 100.0, estimated=True) is None


def test_a_gif_s_frames_of_no_time_are_shown_as_browsers_do():
    assert slow_down([0, 0, 1, 3], 0) == ([0, 10, 20, 22], 10)
