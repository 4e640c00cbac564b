"""The simulations of experiments/coverage, with so few trials that only gross errors show."""

import numpy as np
import pandas as pd
import pytest

from experiments.coverage.design import Setting, Simulation
from experiments.coverage.measure import SIMULATIONS, Task, named, replaced, simulate

TRIALS = 40
SETTINGS = (Setting(12, 3, "even", "none"), Setting(20, 1, "rare", "real"))


@pytest.mark.parametrize("simulation", SIMULATIONS, ids=lambda own: own.name)
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda own: own.effect)
def test_intervals_hold_the_truth(simulation: Simulation, setting: Setting):
    table = simulate(Task(simulation, setting, TRIALS, seed=1))
    trials = TRIALS * table["given"]
    missed = ((1 - table["coverage"]) * trials).fillna(0.0)
    assert (trials > 0).any()
    assert (missed <= 0.07 * trials + 3 * np.sqrt(0.07 * 0.93 * trials)).all()


@pytest.mark.parametrize("setting", [Setting(20, 1, "even", "none"), Setting(40, 3, "rare", "none")])
def test_differences_are_seldom_found_where_there_are_none(setting: Setting):
    (simulation,) = (own for own in SIMULATIONS if own.name == "class_differences")
    table = simulate(Task(simulation, setting, TRIALS, seed=1))
    assert table["found_5"].max() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / TRIALS)


def test_the_same_seed_gives_the_same_table():
    task = Task(SIMULATIONS[0], SETTINGS[0], 5, seed=3)
    assert simulate(task).equals(simulate(task))


def test_rows_of_simulations_that_run_alone_replace_those_before():
    before = pd.DataFrame({"metric": ["accuracy", "auroc", "auroc"], "coverage": [0.95, 0.8, 0.9]})
    table = replaced(before, pd.DataFrame({"metric": ["auroc"], "coverage": [0.96]}))
    assert table.values.tolist() == [["accuracy", 0.95], ["auroc", 0.96]]


def test_simulations_run_alone_by_name():
    assert [own.name for own in named(["set_coverages", "shares"])] == ["set_coverages", "shares"]
    assert named([]) == SIMULATIONS


def test_a_name_of_no_simulation_ends_the_run():
    with pytest.raises(SystemExit, match="no simulation is called auroc: expected some of class_levels"):
        named(["auroc"])
