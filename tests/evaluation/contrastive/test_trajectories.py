import numpy as np
import pandas as pd

from clinimcl.evaluation.contrastive.trajectories import epochs_figure, interactive, trajectories, trajectories_figure

SCANS = pd.DataFrame(
    {
        "subject": ["a", "a", "a", "b", "c", "c", "c"],
        "session": ["2", "1", "1", "1", "1", "2", "3"],
        "day": [365.25, 0.0, 0.0, 0.0, 0.0, 10.0, 20.0],
    }
)
NAMES = {"a": "subject 1", "b": "subject 2", "c": "subject 3"}


def projections(axes: tuple[int, ...] = (2, 3)) -> dict[str, dict[int, np.ndarray]]:
    source = np.random.default_rng(0)
    return {f"PCA {n}-D": {epoch: source.normal(size=(7, n)) for epoch in (5, 10)} for n in axes}


def test_most_sessions_come_first_and_single_sessions_not_at_all():
    assert [shown.name for shown in trajectories(SCANS, NAMES)] == ["subject 3", "subject 1"]


def test_sessions_are_joined_in_time_order_by_their_first_run():
    shown = trajectories(SCANS, NAMES)[1]
    assert shown.rows.tolist() == [1, 0]
    assert shown.years.tolist() == [0, 1]


def test_at_most_ten_subjects_are_drawn():
    many = pd.DataFrame({"subject": np.repeat(np.arange(30).astype(str), 2), "session": ["1", "2"] * 30})
    many["day"] = np.tile([0.0, 1.0], 30)
    assert len(trajectories(many, {str(n): str(n) for n in range(30)})) == 10


def test_figure_has_a_panel_per_projection():
    figure = trajectories_figure(projections(), 5, trajectories(SCANS, NAMES))
    assert [axes.get_title("left") for axes in figure.axes] == ["PCA 2-D, epoch 5", "PCA 3-D, epoch 5"]


def test_small_multiples_share_one_scale():
    figure = epochs_figure(projections(), trajectories(SCANS, NAMES))
    assert len(figure.axes) == 2
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()


def test_interactive_data_hold_every_projection_and_epoch_but_no_id():
    data = interactive(projections(), 10, trajectories(SCANS, NAMES))
    assert {name: list(by_epoch) for name, by_epoch in data["projections"].items()} == {
        "PCA 2-D": ["5", "10"],
        "PCA 3-D": ["5", "10"],
    }
    assert [subject["name"] for subject in data["subjects"]] == ["subject 3", "subject 1"]
