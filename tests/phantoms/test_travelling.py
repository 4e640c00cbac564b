from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.scanner.design import Design, design_of
from clinimcl.phantoms.brain.cohort import sample_member
from clinimcl.phantoms.brain.parameters import BRAIN, with_scanners
from clinimcl.phantoms.writing import LAYOUTS, write_cohort

TINY = replace(BRAIN, spacing=16.0)
TRAVELLING = with_scanners(TINY, 3, 2)


def test_a_travelling_head_is_scanned_on_every_scanner_within_days():
    sessions = [runs[0] for runs in sample_member(0, 1, TRAVELLING).sessions]
    assert len({session.scanner.name for session in sessions[:3]}) == 3
    assert 2 <= sessions[2].day - sessions[0].day <= 8


def test_sessions_of_a_travelling_head_follow_in_time():
    days = [runs[0].day for runs in sample_member(0, 0, TRAVELLING).sessions]
    assert days == sorted(set(days))


def test_all_other_subjects_and_sessions_stay_as_they_are():
    three = with_scanners(TINY, 3, 0)
    assert sample_member(0, 2, TRAVELLING) == sample_member(0, 2, three)
    travelling, settled = (sample_member(0, 0, parameters).sessions for parameters in (TRAVELLING, three))
    assert [travelling[0], *travelling[3:]] == settled


def test_the_phantom_without_travelling_heads_is_the_one_before():
    assert with_scanners(BRAIN, None, 0) == BRAIN


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "lung"])
def test_every_layout_has_travelling_heads_and_says_so_in_its_truth(layout: str, tmp_path):
    parameters = with_scanners(replace(LAYOUTS[layout].parameters, spacing=16.0), 3, 2)
    write_cohort(tmp_path / "out", layout, 3, 0, parameters, workers=1)
    table = pd.read_csv(tmp_path / "out" / "phantom_truth.csv")
    travelling = table[table["travelling"]]
    assert travelling["subject"].nunique() == 2
    assert (travelling.groupby("subject")["scanner"].nunique() == 3).all()


def test_a_journey_is_one_visit_to_who_measures_shares(tmp_path):
    parameters = with_scanners(TINY, 3, 4)
    write_cohort(tmp_path / "out", "oasis3", 4, 0, parameters, workers=1)
    design = design_of(pd.read_csv(tmp_path / "out" / "phantom_truth.csv"))
    assert isinstance(design, Design)
    assert design.factor == "scanner" and np.bincount(design.visit).max() >= 3


@pytest.mark.parametrize(("scanners", "travelling"), [(0, 1), (27, 0), (3, -1)])
def test_impossible_numbers_are_refused(scanners: int, travelling: int):
    with pytest.raises(UserError, match="travelling must be at least 0 and scanners between 1 and 26"):
        with_scanners(BRAIN, scanners, travelling)
