from dataclasses import replace

import pandas as pd
import pytest

from clinimcl.phantoms.brain.parameters import BRAIN
from clinimcl.phantoms.writing import write_cohort


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantoms") / "bids"
    write_cohort(out, "bids", 6, 0, replace(BRAIN, spacing=16.0), workers=1)
    return out


def sessions(root):
    return {path.parent.name: pd.read_csv(path, sep="\t") for path in root.glob("sub-*/*_sessions.tsv")}


def test_labels_of_some_subjects_run_against_time(root):
    backwards = [not table["acq_time"].is_monotonic_increasing for table in sessions(root).values()]
    assert 0 < sum(backwards) < len(backwards)


def test_every_session_row_has_its_folder(root):
    for subject, table in sessions(root).items():
        assert set(table["session_id"]) == {path.name for path in (root / subject).glob("ses-*")}


def test_scores_stand_beside_the_sessions(root):
    assert all({"mmse", "cdr_sum", "cdr"} <= set(table) for table in sessions(root).values())


def test_participants_are_all_named(root):
    people = pd.read_csv(root / "participants.tsv", sep="\t")
    assert list(people["participant_id"]) == sorted(sessions(root))
