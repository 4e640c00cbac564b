import json
from pathlib import Path

import pytest

from clinimcl.errors import UserError
from clinimcl.runs.folder import recorded, settings_of, without_evaluation

NEW = {"ckpt_path": None, "sweep": None}


@pytest.mark.parametrize(("text", "part"), [("[1]", "got list"), ("{", "cannot be read"), ("seed: 0", "missing")])
def test_a_configuration_that_is_none_of_ours_is_told_in_a_sentence(tmp_path, text, part):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=part):
        settings_of(tmp_path)


@pytest.fixture
def finished(tmp_path):
    """A folder with the report of a finished run."""
    for name, text in (("status.json", '{"status": "done"}'), ("config.yaml", "older"), ("report.html", "older")):
        (tmp_path / name).write_text(text)
    return tmp_path


def status(folder):
    return json.loads((folder / "status.json").read_text())["status"]


def test_a_finished_run_is_not_begun_anew(finished):
    with pytest.raises(UserError, match="holds a training"), recorded(finished, NEW):
        pass
    assert {path.name: path.read_text() for path in finished.iterdir()} == {
        "status.json": '{"status": "done"}',
        "config.yaml": "older",
        "report.html": "older",
    }


@pytest.fixture
def stopped(finished):
    """A folder with the checkpoint of a run that was told to end."""
    (finished / "status.json").write_text('{"status": "interrupted"}')
    (finished / "checkpoints").mkdir()
    (finished / "checkpoints" / "last.ckpt").write_text("older")
    return finished


def test_a_training_that_was_stopped_is_not_begun_anew(stopped):
    with pytest.raises(UserError, match="ckpt_path=last"), recorded(stopped, NEW):
        pass
    assert (stopped / "report.html").is_file()


OWN = {"ckpt_path": "checkpoints/last.ckpt", "sweep": None}


def test_a_training_goes_on_from_its_own_last_checkpoint_in_its_place(stopped, monkeypatch):
    monkeypatch.chdir(stopped)
    with recorded(Path(), OWN) as begin:
        begin()
        assert status(stopped) == "running"
    assert (stopped / "checkpoints" / "last.ckpt").is_file()


def test_what_is_refused_before_it_goes_on_leaves_the_settings_of_what_was_stopped(stopped, monkeypatch):
    monkeypatch.chdir(stopped)
    with pytest.raises(UserError), recorded(Path(), OWN):
        raise UserError("no such cohort")
    assert (stopped / "config.yaml").read_text() == "older" and status(stopped) == "interrupted"


def test_a_job_of_a_sweep_that_was_stopped_begins_anew(stopped):
    with recorded(stopped, NEW | {"sweep": "sweep"}):
        pass
    assert not (stopped / "report.html").exists() and not (stopped / "checkpoints").exists()


def test_what_fails_in_a_new_folder_is_marked_so(tmp_path):
    with pytest.raises(UserError), recorded(tmp_path / "run", NEW):
        raise UserError("no such cohort")
    assert status(tmp_path / "run") == "failed"


def test_what_is_interrupted_is_marked_so(tmp_path):
    with pytest.raises(KeyboardInterrupt), recorded(tmp_path / "run", NEW):
        raise KeyboardInterrupt
    assert status(tmp_path / "run") == "interrupted"


def test_a_second_evaluation_begins_without_the_results_of_the_first(tmp_path):
    for name in ("figures", "review", "checkpoints"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    for name in ("evaluation.json", "confusion.csv", "harmonised.txt", "costs.json"):
        (tmp_path / name).touch()
    without_evaluation(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints", "harmonised.txt", "costs.json"}


def test_a_folder_of_another_cohort_is_made_for_its_evaluation(tmp_path):
    assert list(without_evaluation(tmp_path / "on_bids").iterdir()) == []
