"""What version 49ccc67 wrote is still read: a run, its checkpoints, a store and an exported model (in earlier/)."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from clinimcl.config.building import ALLOWED
from clinimcl.encoders.provenance import read_contract
from clinimcl.inference.model import Model
from clinimcl.preparation.store.store import Store
from clinimcl.runs import settings_diff, stages
from clinimcl.runs.folder import finished, settings_of

EARLIER = Path(__file__).parent / "earlier"
SCAN = torch.linspace(0, 1, 512).reshape(1, 1, 8, 8, 8)
EMBEDDING = [-0.305049, -0.019967, 0.313837, -0.017136, 0.467657, -0.854108, 0.755155, -0.273779]
LOGITS = [-0.121277, 0.289542, 1.134552]


def targets(node: object) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(targets, node))
    if not isinstance(node, dict):
        return set()
    return {node.get("_target_")} - {None} | set().union(*map(targets, node.values()))


def test_the_configuration_of_the_run_names_classes_by_other_names():
    held = yaml.safe_load((EARLIER / "run" / "config.yaml").read_text())
    assert targets(held) - ALLOWED


def test_the_run_is_known_as_done_by_its_settings_of_today():
    settings = settings_of(EARLIER / "run")
    assert finished(EARLIER / "run") and targets(settings.engine) <= ALLOWED
    settings_diff.check_same(settings, EARLIER / "run")


def test_the_checkpoints_of_the_run_answer_as_they_did():
    settings = settings_of(EARLIER / "run")
    module = stages.pretrained(settings, EARLIER / "run").eval()
    learner = stages.trained_change(settings, EARLIER / "run", module, 8).eval()
    with torch.inference_mode():
        embedding = module(SCAN)
        logits = learner(embedding, -embedding)
    assert embedding[0].tolist() == pytest.approx(EMBEDDING, abs=1e-4)
    assert logits[0].tolist() == pytest.approx(LOGITS, abs=1e-4)
    assert read_contract(EARLIER / "run" / "checkpoints" / "best.ckpt") is not None


def test_the_arrays_of_the_store_are_there_and_whole(tmp_path):
    store = Store(shutil.copytree(EARLIER / "store", tmp_path / "store"))
    table = pd.read_parquet(tmp_path / "store" / "scans.parquet")
    arrays = [store.get(key, checksum) for key, checksum in zip(table["key"], table["checksum"], strict=True)]
    assert len(arrays) == 30 and np.isfinite(arrays).all()


def test_the_exported_model_passes_its_self_test():
    assert Model(EARLIER / "model").networks is not None
