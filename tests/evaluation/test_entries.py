import json

import pytest

from clinimcl.evaluation.entries import add_entries, held
from clinimcl.evaluation.statistics.metrics import Metric

METRIC = Metric(0.5, 0.4, 0.6, n_subjects=10, n_items=20)


def test_entries_stand_beside_those_of_the_parts_before(tmp_path):
    add_entries(tmp_path, {"accuracy": METRIC}, {"score_mae": "no score is regressed"})
    add_entries(tmp_path, {"probe_age_mae": METRIC}, {"probe_age_r2": "no age is known"})
    measured = json.loads((tmp_path / "evaluation.json").read_text())
    assert list(measured) == ["accuracy", "probe_age_mae"]
    assert list(json.loads((tmp_path / "absent.json").read_text())) == ["score_mae", "probe_age_r2"]


def test_an_entry_replaces_that_of_the_same_name(tmp_path):
    for value in (0.5, 0.7):
        add_entries(tmp_path, {"accuracy": METRIC._replace(value=value)}, {})
    assert held(tmp_path / "evaluation.json")["accuracy"]["value"] == 0.7


def test_what_is_not_a_number_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        add_entries(tmp_path, {"accuracy": METRIC._replace(value=float("nan"))}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_holds_nothing(tmp_path):
    assert held(tmp_path / "evaluation.json") == {}
