"""LEARNER's whole path, once: a lung phantom to a report, and a sweep over it."""

import json
from importlib.util import find_spec

import pandas as pd
import pytest
import yaml

from clinimcl.evaluation.review import robustness
from clinimcl.runs import change_inputs, components, reviewing, stages
from clinimcl.runs.folder import settings_of

TINY = [
    "review_scans=0",
    "experiment=lus_learner",
    "engine.workers=1",
    "preparation.side=32",
    "preparation.frames=2",
    "epochs=1",
    "pretrain.batch=8",
    "cohort.split.validation=0.2",
    "cohort.split.test=0.3",
    "change.epochs=2",
]
QUICK = ["change.permutation_test=false"]
SMALL = ["encoder=vit", "encoder.layers=1", "epochs=0", "change.epochs=1"]


@pytest.fixture(scope="module")
def lung(lungs, tmp_path_factory):
    """A folder with the phantom, in which the tests share a store."""
    folder = tmp_path_factory.mktemp("lung")
    (folder / "lung").symlink_to(lungs)
    return folder


@pytest.fixture(scope="module")
def trained(clinimcl, lung):
    result = clinimcl("train", *TINY, "review_scans=4", "cohort.root=lung", "run=run", "store=store", cwd=lung)
    assert result.returncode == 0, result.stderr
    return lung / "run"


def test_every_metric_of_health_change_stands_with_its_interval(trained):
    metrics = json.loads((trained / "evaluation.json").read_text())
    assert {"accuracy", "score_spearman", "oracle_accuracy", "null_accuracy"} <= set(metrics)
    assert {"accuracy", "steps_off", "score_bias"} <= set(metrics.pop("groups")["headlines"])
    assert all(entry["low"] <= entry["value"] <= entry["high"] for entry in metrics.values())
    assert metrics["accuracy"]["majority"] < 1
    absent = json.loads((trained / "absent.json").read_text())
    assert "single subject" in absent["balanced_accuracy"]  # 4 are tested


def test_the_review_pack_slows_and_shakes_clips(trained, monkeypatch):
    monkeypatch.chdir(trained.parent)
    monkeypatch.setattr(robustness, "FEWEST_SUBJECTS", 2)
    settings = settings_of(trained)
    datamodule = components.datamodule(settings)
    datamodule.prepare_data()
    datamodule.setup()
    run = reviewing.Run(settings, trained, datamodule)
    change = change_inputs.change_inputs(settings, trained, datamodule, None)
    networks = reviewing.trained_networks(run, stages.pretrained(settings, trained), change)
    curves = robustness.robustness(reviewing.robustness_inputs(run, networks, change)).curves
    assert {"lower frame rate", "motion"} <= set(curves["perturbation"])
    assert curves["value"].notna().all()


def test_the_report_says_what_was_tested_and_names_no_subject(trained):
    report = (trained / "report.html").read_text()
    assert "Tested on pairs of scans of one person" in report
    assert "LUS0" not in report and str(trained) not in report


def test_a_contract_beside_the_encoder_says_who_trained_it_without_naming_them(trained):
    contract = json.loads((trained / "checkpoints" / "best.ckpt.contract.json").read_text())
    assert contract["input"] == "2x32x32" and len(contract["subjects"]) > 1
    assert "LUS0" not in json.dumps(contract)


def test_a_second_evaluation_gives_the_same_numbers(trained, clinimcl, lung):
    before = json.loads((trained / "evaluation.json").read_text())
    result = clinimcl("evaluate", "run=run", "probes=false", cwd=lung)
    assert result.returncode == 0, result.stderr
    assert json.loads((trained / "evaluation.json").read_text()) == before


@pytest.mark.parametrize("start", ["weights=run/checkpoints/last.ckpt", "weights=run/checkpoints/best.ckpt"])
def test_weights_that_test_subjects_trained_are_refused(trained, clinimcl, lung, start):
    arguments = ["cohort.root=lung", "run=refused", "store=store", start, "cohort.split.seed=3"]
    refused = clinimcl("train", *TINY, *arguments, cwd=lung)
    assert refused.returncode == 2, refused.stderr
    assert "held-out subjects have the ids of subjects who trained" in refused.stderr


def test_the_report_says_where_test_subjects_trained_the_weights(trained, clinimcl, lung):
    arguments = ["cohort.root=lung", "run=again", "store=store", "weights=run/checkpoints/best.ckpt", "epochs=0"]
    allowed = clinimcl("train", *TINY, *QUICK, *arguments, "cohort.split.seed=3", "allow_overlap=true", cwd=lung)
    assert allowed.returncode == 0, allowed.stderr
    assert "the results hold for known people" in (lung / "again" / "report.html").read_text()


def test_the_encoder_can_be_trained_on_with_the_classifier(clinimcl, lung):
    arguments = ["cohort.root=lung", "run=tuned", "store=store", "change.frozen=false"]
    result = clinimcl("train", *TINY, *SMALL, *arguments, cwd=lung)
    assert result.returncode == 0, result.stderr
    size = {name: (lung / "tuned" / "checkpoints" / f"{name}.ckpt").stat().st_size for name in ("best", "change")}
    assert size["change"] > 0.9 * size["best"]  # it holds an encoder of its own
    assert "are those of the encoder before" in (lung / "tuned" / "report.html").read_text()


def test_jobs_of_a_sweep_share_the_encoder_and_are_done_once(clinimcl, lung):
    arguments = [*TINY, *QUICK, *SMALL, "cohort.root=lung", "store=store", "epochs=1"]
    sweep = ["-m", *arguments, "classifier=mlp,mlp_large", "sweep=heads"]
    assert clinimcl("train", *sweep, cwd=lung).returncode == 0
    folder = lung / "runs" / "lus_learner" / "sweeps" / "heads"
    assert len(list((folder / "pretrained").iterdir())) == 1
    jobs = {path: path.stat().st_mtime_ns for path in folder.glob("*/evaluation.json")}
    again = clinimcl("train", *sweep, cwd=lung)
    assert again.returncode == 0 and again.stdout.count("already done") == 2
    assert jobs == {path: path.stat().st_mtime_ns for path in folder.glob("*/evaluation.json")}
    assert len({path.with_name("splits.json").read_text() for path in jobs}) == 1  # the digests of both have one salt
    assert len(jobs) == 2 and "balanced" in (folder / "sweep.html").read_text().lower()


def test_the_encoder_of_a_sweep_that_was_killed_is_not_trained_again(clinimcl, lung):
    arguments = [*TINY, *QUICK, *SMALL, "cohort.root=lung", "store=store", "sweep=killed", "epochs=1"]
    assert clinimcl("train", "-m", *arguments, cwd=lung).returncode == 0
    shared = next((lung / "runs" / "lus_learner" / "sweeps" / "killed" / "pretrained").iterdir())
    for status in shared.parent.parent.glob("*/**/status.json"):
        status.write_text('{"status": "running"}')
    before = (shared / "checkpoints" / "last.ckpt").read_bytes()
    again = clinimcl("train", "-m", *arguments, cwd=lung)
    assert again.returncode == 0, again.stderr
    assert (shared / "checkpoints" / "last.ckpt").read_bytes() == before
    assert len(pd.read_csv(next(shared.parent.parent.glob("*/pretraining.csv"))).dropna(subset="train/loss")) > 0


@pytest.fixture(scope="module")
def folds(clinimcl, lung):
    """A sweep over three folds, in which each class has several subjects."""
    arguments = [*TINY, *QUICK, *SMALL, "cohort.root=lung", "store=store", "cohort.split.seed=1"]
    result = clinimcl("train", "-m", *arguments, "sweep=folds", "cohort.fold=0,1,3", cwd=lung)
    assert result.returncode == 0, result.stderr
    return lung / "runs" / "lus_learner" / "sweeps" / "folds"


@pytest.mark.slow
def test_joblib_runs_the_jobs_of_a_sweep(clinimcl, lung):
    arguments = [*TINY, *QUICK, *SMALL, "cohort.root=lung", "store=store", "seed=0,1", "sweep=joblib"]
    launcher = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert clinimcl("train", "-m", *arguments, *launcher, cwd=lung).returncode == 0
    jobs = (lung / "runs" / "lus_learner" / "sweeps" / "joblib").glob("*/status.json")
    assert [json.loads(path.read_text()) for path in jobs] == [{"status": "done"}] * 2


def test_the_report_of_a_sweep_pools_the_answers_of_folds(folds):
    tested = [set(pd.read_csv(path)["subject"]) for path in folds.glob("*/answers.csv")]
    report = (folds / "sweep.html").read_text()
    assert f"1 seed, 3 folds, {sum(map(len, tested))} subjects" in report
    assert "3 folds are pooled: their test subjects differ; answers of all folds are put together" in report


def test_submitit_sends_the_jobs_of_a_sweep_to_slurm(clinimcl, queue, lung):
    arguments = [*TINY, *QUICK, *SMALL, "cohort.root=lung", "store=store", "seed=1"]
    launcher = ["hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=5", "hydra.launcher.partition=brains"]
    result = clinimcl("train", "-m", *arguments, *launcher, "sweep=cluster", "classifier=mlp,mlp_large", cwd=lung)
    assert result.returncode == 0, result.stderr
    (script,) = (path.read_text() for path in queue.glob("script*"))
    assert "--array=0-1" in script and "--partition=brains" in script
    folder = lung / "runs" / "lus_learner" / "sweeps" / "cluster"
    assert [json.loads(path.read_text()) for path in folder.glob("*/status.json")] == [{"status": "done"}] * 2
    assert len(list((folder / "pretrained").iterdir())) == 1  # of two jobs that ran at a time


@pytest.mark.skipif(find_spec("optuna") is None, reason="optuna is not installed: pip install 'clinimcl[optuna]'")
def test_optuna_searches_by_the_headline_of_jobs(clinimcl, lung):
    arguments = [*TINY, *QUICK, *SMALL, "cohort.root=lung", "store=store", "sweep=search"]
    sweeper = ["hydra/sweeper=optuna", "hydra.sweeper.direction=maximize", "hydra.sweeper.n_trials=2"]
    result = clinimcl("train", "-m", *arguments, *sweeper, "objective.mse_weight=interval(0.5,1)", cwd=lung)
    assert result.returncode == 0, result.stderr
    jobs = (lung / "runs" / "lus_learner" / "sweeps" / "search").glob("*/config.yaml")
    assert len({yaml.safe_load(path.read_text())["objective"]["mse_weight"] for path in jobs}) == 2


WRONG = {
    "cohort.score=breath": "no such column",
    "cohort.change_threshold=9999": "no training pair is deteriorated or improved",
    "weights=nowhere.pth": "nowhere.pth",
    "change.pairs.test=zones": "test must be auto, intra, inter or zone",
    "classifier.combine=sum": "combine must be difference",
    "cohort.score=age": "has no known direction",
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_is_told_in_a_sentence(clinimcl, lung, setting):
    result = clinimcl("train", *TINY, "cohort.root=lung", "run=wrong", "store=store", setting, cwd=lung)
    assert result.returncode == 2 and WRONG[setting] in result.stderr and "Traceback" not in result.stderr
    assert not (lung / "wrong" / "checkpoints").exists()  # told before any training


def test_one_visit_a_person_is_tested_between_people_and_says_so(clinimcl, lung, tmp_path):
    scans = pd.read_csv(lung / "lung" / "scans.csv").drop(columns="zone")
    scans = scans.assign(path=[str(lung / "lung" / path) for path in scans["path"]])
    scans.drop_duplicates("subject").to_csv(tmp_path / "scans.csv", index=False)
    result = clinimcl(
        "train",
        *TINY,
        *QUICK,
        *SMALL,
        "cohort.root=scans.csv",
        "run=run",
        "store=store",
        "pretrain.batch=2",
        "cohort.change_threshold=150",
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "because no test subject has two sessions" in (tmp_path / "run" / "report.html").read_text()
