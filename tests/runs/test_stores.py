from types import SimpleNamespace

import pytest

from clinimcl.config.settings import PrepareSettings
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.runs import stores

PIPELINE = FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none")
COHORT = SimpleNamespace(root="/data")
SETTINGS = object.__new__(PrepareSettings)  # of which a default store asks nothing


def folder(monkeypatch, place, digest):
    monkeypatch.chdir(place)
    monkeypatch.setattr(FieldOfView, "digest", digest)
    return stores.store(SETTINGS, COHORT, PIPELINE, None).folder


def test_each_preparation_has_a_folder_of_its_own(monkeypatch, tmp_path):
    assert folder(monkeypatch, tmp_path, "a") != folder(monkeypatch, tmp_path, "b")


@pytest.mark.parametrize(("kept", "said"), [("earlier", True), ("another", False)])
def test_a_store_of_earlier_rules_is_told_beside_the_new_one(monkeypatch, tmp_path, capsys, kept, said):
    digest = PIPELINE.earlier_digest if kept == "earlier" else "0"
    folder(monkeypatch, tmp_path, digest).mkdir(parents=True)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    stores.store(SETTINGS, COHORT, PIPELINE, None)
    assert ("prepared again by newer rules" in capsys.readouterr().err) == said
