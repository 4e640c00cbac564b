"""The dashboard shows what runs log: its keys are looked for in what W&B got of two of them."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from clinimcl.pseudonyms import keyed

TINY = [
    "review_scans=0",
    "engine.workers=1",
    "preparation.grid=16",
    "encoder.channels=[8,8]",
    "epochs=1",
    "keep_every=1",
    "cohort.score=MMSE",
    "cohort.change_threshold=0.5",
    "cohort.split.validation=0.2",
    "cohort.split.test=0.3",
    "change.epochs=1",
    "change.permutation_test=false",
    "logger=wandb",
    "store=store",
]
CONTRASTIVE = ["experiment=demo", "cohort.higher_is=better", "change=three_way", "pretrain.pairs_per_epoch=8"]
SHARED = ["pretrain.batch=4", "logger.share=[subjects,images]", "logger.key=key"]
SCORE = ["experiment=adni_learner", "cohort=oasis3", "encoder=cnn3d", "pretrain.batch=8"]


@pytest.fixture(scope="module")
def runs(clinimcl, phantom, tmp_path_factory):
    """The folder of a contrastive run, which shares subjects and images, and of one that learns scores."""
    folder = tmp_path_factory.mktemp("logged")
    for run, own in (("contrastive", [*CONTRASTIVE, *SHARED]), ("score", SCORE)):
        result = clinimcl("train", *own, *TINY, f"cohort.root={phantom}", f"run={run}", cwd=folder, WANDB_API_KEY="")
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def logged(runs):
    """What W&B got of both: keys, settings, and columns of tables."""
    found = set()
    for run in ("contrastive", "score"):
        (file,) = (runs / run / "wandb").glob("offline-run-*/*.wandb")
        told = [sys.executable, "-m", "wandb", "leet", "inspect", "--summary", "--json", str(file)]
        sent = json.loads(subprocess.run(told, capture_output=True, text=True, check=True).stdout)
        found |= {*sent["summary"], *settings(sent["config"])}
        for path in file.parent.rglob("*.table.json"):
            found |= {f"{path.name.split('_')[0]}: {column}" for column in json.loads(path.read_text())["columns"]}
    return found


@pytest.fixture(scope="module")
def definition(clinimcl, tmp_path_factory):
    """What the command writes."""
    folder = tmp_path_factory.mktemp("definition")
    result = clinimcl("dashboard", "project=some", "out=it.json", cwd=folder)
    assert result.returncode == 0, result.stderr
    return json.loads((folder / "it.json").read_text())


def settings(node, above=""):
    """W&B's names of the settings in a tree: `config:encoder.value.grid`."""
    for name, value in node.items():
        path = f"{above}.{name}" if above else f"config:{name}.value"
        yield from settings(value, path) if isinstance(value, dict) else [path]


def strings(node, path=()):
    """Every text in a tree with the names above it."""
    if isinstance(node, dict | list):
        for name, value in node.items() if isinstance(node, dict) else (("", value) for value in node):
            yield from strings(value, (*path, name) if name else path)
    elif isinstance(node, str):
        yield path, node


def named(definition):
    """The keys that a definition names, found by how W&B spells them and not by how we built it."""
    for path, text in strings(definition):
        if path[-1] in ("metrics", "xAxis", "yAxis", "accessor", "columnOrder") and text != "run:displayName":
            yield text.removeprefix("summary:")
        elif path[-1] == "groupBy" or path[-2:] == ("grouping", "name"):
            yield f"config:{text}"


def tables(definition):
    """The columns that charts take from tables."""
    for section in definition["spec"]["section"]["panelBankConfig"]["sections"]:
        for chart in (panel["config"] for panel in section["panels"] if "fieldSettings" in panel["config"]):
            (table,) = [text for path, text in strings(chart) if path[-2:] == ("args", "value") and "$" not in text]
            yield from (f"{table}: {column}" for column in chart["fieldSettings"].values())


def test_every_key_of_the_dashboard_is_one_that_a_run_logs(definition, logged):
    keys = {*named(definition), *tables(definition)}
    assert len(keys) > 100
    assert sorted(key for key in keys - logged if "brain_volume" not in key) == []  # OASIS-2's and FreeSurfer's runs


def test_the_dashboard_shows_what_is_asked_of_it(definition):
    shown = {*named(definition), *tables(definition)}
    assert {"train/loss", "train/loss_chance", "test/retrieval_top1", "test/raw_voxels_retrieval_top1"} <= shown
    assert {"test/order_tau", "test/effective_rank", "config:objective.value.mse_weight"} <= shown
    assert {"test/balanced_accuracy_low", "test/balanced_accuracy", "test/balanced_accuracy_high"} <= shown
    assert {"confusion: answers", "trajectories: years"} <= shown


def test_subjects_go_to_wandb_under_keyed_pseudonyms_and_images_with_them(runs):
    sent = runs / "contrastive" / "wandb"
    (table,) = sent.rglob("subjects_*.table.json")
    subjects = {row[0] for row in json.loads(table.read_text())["data"]}
    key = (runs / "key").read_bytes().strip()
    assert subjects < set(keyed(pd.read_parquet(runs / "store" / "scans.parquet")["subject"], key).values())
    assert len(list(sent.rglob("scans_*.png"))) == 1
    assert not any(b"OAS3" in path.read_bytes() for path in sent.rglob("*") if path.is_file())
