import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.contrastive.sessions import Sessions, unit
from clinimcl.evaluation.contrastive.time_order import axis_of_change, order_tau
from clinimcl.evaluation.statistics.metrics import Absent, Metric

DRIFT = np.eye(8)[0]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sessions(subjects: int, drift: float, seed: int = 0, pose: float = 0.0, visits: int = 3) -> Sessions:
    """Identity and noise of size 0.05 off the drift's axis; `pose` shakes one more direction each session."""
    source = rng(seed)
    table = pd.DataFrame(
        [(f"{seed}-{subject}", visit, 365.0 * visit) for subject in range(subjects) for visit in range(visits)],
        columns=["subject", "session", "day"],
    )
    vectors = np.repeat(source.normal(size=(subjects, 8)), visits, axis=0)
    vectors[:, :2] = 0
    vectors = unit(vectors) + 0.05 * source.normal(size=vectors.shape)
    vectors[:, 1] += pose * source.normal(size=len(vectors))
    return Sessions(table, vectors + drift * table["day"].to_numpy()[:, None] / 365 * DRIFT)


def tau(train: Sessions, test: Sessions) -> Metric:
    metric = order_tau(train, test)
    assert isinstance(metric, Metric)
    return metric


def test_drift_is_found_in_people_never_seen():
    metric = tau(sessions(30, 0.3), sessions(20, 0.3, seed=1))
    assert metric.value > 0.9
    assert metric.chance == 0.0


def test_axis_points_forward_in_time():
    axis = axis_of_change(sessions(30, 0.3))
    assert axis is not None
    assert axis @ DRIFT > 0.95


def test_time_that_runs_backwards_in_test_subjects_gives_minus_one():
    assert tau(sessions(30, 0.3), sessions(20, -0.3, seed=1)).value < -0.9


def test_without_drift_the_interval_holds_chance():
    metric = tau(sessions(30, 0.0), sessions(60, 0.0, seed=1))
    assert metric.low < 0 < metric.high


def test_pose_that_dwarfs_the_drift_does_not_become_the_axis():
    metric = tau(sessions(150, 0.3, pose=1.0), sessions(30, 0.3, seed=1, pose=1.0))
    assert metric.value > 0.6


def test_subject_whose_sessions_share_a_day_is_left_out():
    test = sessions(3, 0.3, seed=1)
    test.table.loc[test.table["subject"] == "1-0", "day"] = 0.0
    assert tau(sessions(30, 0.3), test).n_subjects == 2


def test_embeddings_that_never_move_have_no_order():
    still = sessions(3, 0.0, seed=1)
    assert tau(sessions(30, 0.3), Sessions(still.table, np.ones_like(still.vectors))).value == 0


@pytest.mark.parametrize("train", [sessions(0, 0.3), sessions(5, 0.3, visits=1)])
def test_axis_needs_training_subjects_with_two_sessions(train: Sessions):
    assert isinstance(order_tau(train, sessions(5, 0.3)), Absent)
