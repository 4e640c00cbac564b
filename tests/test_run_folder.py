import json

import pytest

from clinimcl.errors import UserError
from clinimcl.run_folder import recorded, settings_of

NEW = {"ckpt_path": None}


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


def test_what_fails_before_it_begins_leaves_a_finished_run_as_it_was(finished):
    with pytest.raises(UserError), recorded(finished, NEW):
        raise UserError("no such cohort")
    assert {path.name: path.read_text() for path in finished.iterdir()} == {
        "status.json": '{"status": "done"}',
        "config.yaml": "older",
        "report.html": "older",
    }


def test_what_begins_takes_the_place_of_a_finished_run(finished):
    with recorded(finished, NEW) as begin:
        begin()
        assert status(finished) == "running"
    assert not (finished / "report.html").exists()
    assert status(finished) == "done"


def test_what_fails_in_a_new_folder_is_marked_so(tmp_path):
    with pytest.raises(UserError), recorded(tmp_path / "run", NEW):
        raise UserError("no such cohort")
    assert status(tmp_path / "run") == "failed"


def test_what_is_interrupted_is_marked_so(tmp_path):
    with pytest.raises(KeyboardInterrupt), recorded(tmp_path / "run", NEW):
        raise KeyboardInterrupt
    assert status(tmp_path / "run") == "interrupted"
