import numpy as np

from clinimcl.evaluation.drawing.clips import clips_figure, is_clip


def test_frames_are_fewer_than_the_rows_of_a_frame():
    assert is_clip(np.zeros((8, 16, 16), np.float32)) and not is_clip(np.zeros((8, 8, 8), np.float32))


def test_first_middle_and_last_frame_are_shown_with_the_probe_at_the_top():
    clip = np.zeros((5, 8, 8), np.float32) + np.arange(5, dtype=np.float32)[:, None, None] / 5
    figure = clips_figure([clip], ["subject 1"])
    shown = [axes.images[0] for axes in figure.axes if axes.images]
    assert [image.get_array()[0, 0] for image in shown] == [clip[0, 0, 0], clip[2, 0, 0], clip[4, 0, 0]]
    assert all(image.origin == "upper" for image in shown)
