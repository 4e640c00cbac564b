import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.statistics.metrics import Absent, Metric, mean_metric, statistic_metric
from clinimcl.storage.files import write_json


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_levels_that_a_metric_lacks_are_left_out_of_its_entry():
    assert Metric(0.5, 0.4, 0.6, 10, 30, chance=0.1).entry() == {
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "n_subjects": 10,
        "n_items": 30,
        "chance": 0.1,
    }


def test_one_subject_gives_no_metric_but_a_reason():
    outcome = mean_metric(pd.Series([1.0]), 3, (0.0, 1.0))
    assert isinstance(outcome, Absent)
    assert "at least 2" in outcome.reason


def test_two_subjects_are_too_few_for_a_statistic_of_pairs():
    assert isinstance(statistic_metric(0.0, np.zeros(2), (2, 6), (0.0, 1.0)), Absent)


def test_nan_is_refused_and_leaves_no_file(tmp_path: Path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"a": float("nan")}, tmp_path / "evaluation.json")
    assert list(tmp_path.iterdir()) == []


def test_file_is_replaced_as_a_whole(tmp_path: Path):
    for content in ({"a": 1}, {"b": 2}):
        write_json(dict(content), tmp_path / "evaluation.json")
    assert json.loads((tmp_path / "evaluation.json").read_text()) == {"b": 2}
    assert len(list(tmp_path.iterdir())) == 1
