import numpy as np
import pandas as pd

from clinimcl.evaluation.contrastive.sessions import repeated, sessions_of, unit

SCANS = pd.DataFrame(
    {
        "subject": ["b", "b", "b", "a"],
        "session": ["late", "early", "early", "only"],
        "day": [300.0, 0.0, 0.0, 0.0],
    }
)
VECTORS = np.array([[3.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 5.0]])


def test_sessions_are_in_time_order_within_subjects():
    assert list(sessions_of(SCANS, VECTORS).table["session"]) == ["early", "late", "only"]


def test_runs_of_a_session_count_alike_whatever_their_length():
    early = sessions_of(SCANS, VECTORS).vectors[0]
    np.testing.assert_allclose(early, np.sqrt([0.5, 0.5]))


def test_same_session_label_of_two_subjects_is_two_sessions():
    scans = pd.DataFrame({"subject": ["a", "b"], "session": ["s1", "s1"], "day": [0.0, 0.0]})
    assert len(sessions_of(scans, np.eye(2)).table) == 2


def test_subjects_with_one_session_are_not_repeated():
    assert set(repeated(sessions_of(SCANS, VECTORS)).table["subject"]) == {"b"}


def test_zero_stays_zero():
    assert unit(np.zeros(3)).tolist() == [0, 0, 0]
