"""The whole path, once: a phantom in OASIS-3's layout to a report."""

import json
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from clinimcl.evaluation.review import robustness
from clinimcl.modules.embedding import embed
from clinimcl.runs import components, reviewing, stages
from clinimcl.runs.folder import settings_of
from clinimcl.storage.tensor_files import write_tensors

TINY = [
    "review_scans=0",
    "experiment=demo",
    "engine.workers=1",
    "preparation.grid=16",
    "encoder.channels=[8,8]",
    "epochs=2",
    "keep_every=1",
    "pretrain.batch=4",
    "pretrain.pairs_per_epoch=8",
    "cohort.split.validation=0.2",
    "cohort.split.test=0.3",
]

DAMAGE = ("bias field", "blur", "motion", "noise", "rotation", "thicker slices")


@pytest.fixture(scope="module")
def trained(clinimcl, phantom, tmp_path_factory):
    """A finished run with W&B offline, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    arguments = [f"cohort.root={phantom}", "cohort.score=MMSE", "run=run", "store=store", "logger=wandb"]
    wandb = {"WANDB_API_KEY": "", "WANDB_DIR": str(folder)}
    result = clinimcl("train", *TINY, *arguments, "review_scans=4", cwd=folder, **wandb)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_the_run_folder_holds_what_the_contract_names(trained):
    run = trained[0] / "run"
    names = {path.name for path in run.iterdir()}
    assert {"config.yaml", "status.json", "checkpoints", "metrics.csv", "evaluation.json", "figures"} <= names
    assert json.loads((run / "status.json").read_text()) == {"status": "done"}
    assert {path.name for path in (run / "checkpoints").iterdir()} == {
        f"{name}.ckpt{end}" for name in ("best", "last", "epoch-001", "epoch-002") for end in ("", ".contract.json")
    }


def test_checkpoints_hold_no_path(trained):
    folder = trained[0]
    for path in (folder / "run" / "checkpoints").iterdir():
        assert str(folder).encode() not in path.read_bytes()


def test_every_metric_stands_with_its_interval(trained):
    metrics = json.loads((trained[0] / "run" / "evaluation.json").read_text())
    assert {"retrieval_top1", "raw_voxels_retrieval_top1", "realigned_voxels_retrieval_top1", "val_loss"} <= set(
        metrics
    )
    assert set(metrics.pop("groups")["headlines"]) == {"retrieval_top1", "order_tau"}
    assert all(entry["low"] <= entry["value"] <= entry["high"] for entry in metrics.values())
    assert 0 < metrics["retrieval_top1"]["chance"] < 0.5


def test_the_resolved_configuration_repeats_the_run(trained):
    configuration = yaml.safe_load((trained[0] / "run" / "config.yaml").read_text())
    assert configuration["encoder"]["grid"] == configuration["preparation"]["grid"] == 16


def test_losses_of_training_and_validation_are_logged(trained):
    metrics = pd.read_csv(trained[0] / "run" / "metrics.csv")
    assert metrics["train/loss"].count() == 4
    assert metrics["validation/loss"].count() == metrics["validation/retrieval_top1"].count() == 2


def test_the_report_needs_no_network_and_names_no_subject(trained):
    report = (trained[0] / "run" / "report.html").read_text()
    assert "retrieval" in report
    assert "OAS3" not in report
    assert "<link" not in report and 'src="http' not in report


def test_the_review_pack_is_linked_and_adds_up_and_names_no_subject(trained):
    review = trained[0] / "run" / "review"
    assert 'href="review/review.html"' in (trained[0] / "run" / "report.html").read_text()
    flow = json.loads((review / "flow.json").read_text())
    for use in flow["uses"]:
        excluded = sum(own["scans"] for own in use["excluded"])
        assert use["used"]["scans"] + excluded == flow["splits"][use["split"]]["scans"]
    for path in [path for path in review.iterdir() if path.is_file()]:
        assert "OAS3" not in path.read_text() and str(trained[0]) not in path.read_text()


def test_the_review_pack_tells_the_time_of_each_stage_and_of_whom_too_few_are_tested(trained):
    told = json.loads((trained[0] / "run" / "review" / "review.json").read_text())
    assert list(told["costs"]) == ["preparation", "pretraining", "evaluation", "review pack"]
    assert "test subjects are too few" in told["absent"]["robustness"]


@pytest.fixture
def reviewed(trained, monkeypatch):
    """The run as the review pack takes it, and its encoder."""
    monkeypatch.chdir(trained[0])
    settings = settings_of(Path("run"))
    datamodule = components.datamodule(settings)
    datamodule.prepare_data()
    datamodule.setup()
    return reviewing.Run(settings, Path("run"), datamodule), stages.pretrained(settings, Path("run")).eval()


def test_damaged_scans_are_embedded_and_measured(reviewed, monkeypatch):
    monkeypatch.setattr(robustness, "FEWEST_SUBJECTS", 2)
    run, module = reviewed
    inputs = reviewing.robustness_inputs(run, reviewing.Networks(module, None), None)
    curves = robustness.robustness(inputs).curves
    assert curves.groupby("perturbation").size().to_dict() == {"none": 1} | dict.fromkeys(DAMAGE, 4)


def test_undamaged_scans_of_the_review_pack_are_embedded_as_those_of_the_evaluation(reviewed):
    run, module = reviewed
    scans = run.datamodule.scans.iloc[:5]
    arrays = [reviewing.prepared(run, path) for path in scans["path"]]
    seen = reviewing.embed_changed(run, reviewing.Networks(module, None), scans, arrays, lambda number, array: array)
    np.testing.assert_array_equal(seen, embed(module, run.datamodule.scan_dataloader(range(5))))


def test_pictures_of_faces_without_consent_are_refused(trained, clinimcl):
    refused = clinimcl("evaluate", "run=run", "review=faces", cwd=trained[0])
    assert refused.returncode == 2 and "set faces_consent=true if those who are pictured agreed" in refused.stderr


def test_the_last_line_names_the_report(trained):
    assert trained[1].stdout.strip().splitlines()[-1] == f"report: {trained[0] / 'run' / 'report.html'}"


def test_what_goes_to_wandb_tells_no_host_path_or_subject(trained):
    folder = trained[0]
    wandb = [path for path in (folder / "run" / "wandb").rglob("*") if path.is_file()]
    sent = [path for path in wandb if path.suffix == ".wandb" or "files" in path.parts]
    logged = b"".join(path.read_bytes() for path in sent)
    assert b"validation/retrieval_top1" in logged
    for secret in ("OAS3", "OASIS 3", str(folder)):
        assert secret.encode() not in logged
    assert not re.search(rb"\b" + socket.gethostname().encode() + rb"\b", logged)


@pytest.mark.parametrize("largest_file", [50, 20_000])
def test_a_disk_that_fills_up_while_training_is_told(trained, own_process, phantom, tmp_path, largest_file):
    arguments = [f"cohort.root={phantom}", "run=run", f"store={trained[0] / 'store'}", "epochs=1"]
    result = own_process("train", *TINY, *arguments, cwd=tmp_path, largest_file=largest_file)
    assert result.returncode == 2, result.stderr
    assert "File too large" in result.stderr and "Traceback" not in result.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.suffix not in (".ckpt", ".json", ".html") or path.stat().st_size for path in written)


def test_a_second_evaluation_gives_the_same_numbers_and_the_probes(trained, clinimcl):
    folder = trained[0]
    before = json.loads((folder / "run" / "evaluation.json").read_text())
    result = clinimcl("evaluate", "run=run", cwd=folder)
    assert result.returncode == 0, result.stderr
    after = json.loads((folder / "run" / "evaluation.json").read_text())
    groups = [own.pop("groups")["headlines"] for own in (before, after)]
    assert set(groups[0]) < set(groups[1]) and "probe_age_bias" in groups[1]
    assert {name: after[name] for name in before} == before
    assert {"probe_age_mae", "untrained_probe_age_mae"} <= set(after)


def test_training_continues_from_a_checkpoint(trained, clinimcl, phantom):
    folder = trained[0]
    arguments = [f"cohort.root={phantom}", "run=longer", "store=store", "ckpt_path=run/checkpoints/last.ckpt"]
    result = clinimcl("train", *TINY, *arguments, "epochs=3", "schedule=constant", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert pd.read_csv(folder / "longer" / "metrics.csv")["epoch"].dropna().unique().tolist() == [2]


def test_a_run_in_the_folder_of_an_older_one_leaves_nothing_of_it(trained, clinimcl, phantom):
    older = trained[0] / "again"
    (older / "checkpoints").mkdir(parents=True)
    for name in ("status.json", "checkpoints/epoch-009.ckpt", "notes.txt", "probes.csv"):
        (older / name).write_text("{}")  # that failed before it had a last.ckpt
    result = clinimcl("train", *TINY, f"cohort.root={phantom}", "store=store", "run=again", "epochs=1", cwd=trained[0])
    assert result.returncode == 0, result.stderr
    assert {path.name for path in older.glob("checkpoints/*.ckpt")} == {"best.ckpt", "last.ckpt", "epoch-001.ckpt"}
    assert not (older / "notes.txt").exists() and not (older / "probes.csv").exists()


def ended(command, file, number):
    """What it said, after a signal as soon as there is this file."""
    while not file.is_file() and command.poll() is None:
        time.sleep(0.05)
    command.send_signal(number)
    return command.finished()


def test_an_interrupted_training_says_how_it_continues(trained, started, phantom):
    run = trained[0] / "interrupted"
    arguments = [f"cohort.root={phantom}", "store=store", "run=interrupted", "epochs=2000", "keep_every=2000"]
    training = started("train", *TINY, *arguments, cwd=trained[0])
    result = ended(training, run / "checkpoints" / "last.ckpt", signal.SIGINT)
    assert result.returncode == 130, result.stderr
    assert "run=RUN ckpt_path=last" in result.stderr and "Traceback" not in result.stderr
    assert json.loads((run / "status.json").read_text()) == {"status": "interrupted"}


def test_a_training_that_is_told_to_end_goes_on_in_its_place_by_the_same_command(trained, started, clinimcl, phantom):
    run = trained[0] / "requeued"
    arguments = [f"cohort.root={phantom}", "store=store", "run=requeued", "epochs=40", "keep_every=40"]
    command = ["train", *TINY, *arguments, "ckpt_path=last"]
    first = ended(started(*command, cwd=trained[0]), run / "checkpoints" / "last.ckpt", signal.SIGTERM)
    assert first.returncode == 143, first.stderr
    assert json.loads((run / "status.json").read_text()) == {"status": "interrupted"}
    done = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["epoch"]
    evaluating = ended(started(*command, cwd=trained[0]), run / "speed.json", signal.SIGTERM)
    assert evaluating.returncode == 143, evaluating.stderr
    assert json.loads((run / "status.json").read_text()) == {"status": "interrupted"}
    result = clinimcl(*command, cwd=trained[0])
    assert result.returncode == 0, result.stderr
    epochs = pd.concat(pd.read_csv(path) for path in run.glob("metrics*.csv"))["epoch"].dropna()
    assert sorted(epochs.unique()) == list(range(40))
    assert pd.read_csv(run / "metrics-002.csv")["epoch"].min() >= done
    assert "already done" in clinimcl(*command, "engine.workers=2", cwd=trained[0]).stdout


def test_a_finished_run_that_is_asked_for_with_other_settings_names_them(trained, clinimcl, phantom):
    arguments = [f"cohort.root={phantom}", "cohort.score=MMSE", "store=store", "run=run", "ckpt_path=last"]
    others = ["epochs=3", "optimizer.lr=0.5", "augmentation=none", "seed=9"]
    result = clinimcl("train", *TINY, *arguments, *others, cwd=trained[0])
    assert result.returncode == 2
    assert "seed was 0, is 9, epochs was 2, is 3, " in result.stderr and " and 1 more; name another" in result.stderr


def test_a_finished_run_is_not_replaced(trained, clinimcl, phantom):
    before = (trained[0] / "run" / "report.html").read_bytes()
    result = clinimcl("train", *TINY, f"cohort.root={phantom}", "run=run", "store=store", cwd=trained[0])
    assert result.returncode == 2 and "holds a training: name another folder" in result.stderr
    assert (trained[0] / "run" / "report.html").read_bytes() == before
    assert (trained[0] / "run" / "checkpoints" / "best.ckpt").is_file()


def test_a_continued_training_tells_what_it_does_otherwise(trained, clinimcl, phantom):
    arguments = [f"cohort.root={phantom}", "run=otherwise", "store=store", "ckpt_path=run/checkpoints/last.ckpt"]
    result = clinimcl("train", *TINY, *arguments, "cohort.score=MMSE", "epochs=3", "seed=9", cwd=trained[0])
    assert "goes on with other settings than before: seed was 0, is 9, epochs was 2, is 3\n" in result.stdout


@pytest.mark.parametrize("place", ["run/checkpoints/last.ckpt", "alone.ckpt"])
def test_settings_that_a_continued_training_cannot_take_are_refused(trained, clinimcl, phantom, place):
    shutil.copy(trained[0] / "run" / "checkpoints" / "last.ckpt", trained[0] / "alone.ckpt")
    arguments = [f"cohort.root={phantom}", "run=other", "store=store", f"ckpt_path={place}"]
    result = clinimcl("train", *TINY, *arguments, "epochs=3", "optimizer.lr=0.5", cwd=trained[0])
    assert result.returncode == 2
    assert "optimizer.lr was 0.0005, is 0.5, but a training that goes on has its optimizer" in result.stderr


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (["ckpt_path=run"], "run is a folder: expected a file, such as"),
        (["ckpt_path=run/checkpoints/last.ckpt", "weights=run/checkpoints/best.ckpt"], "would have no effect, since"),
        (["ckpt_path=classifier.ckpt"], "is a classifier of health change"),
    ],
)
def test_what_a_pretraining_cannot_go_on_from_is_refused(trained, clinimcl, phantom, given, part):
    write_tensors({"state_dict": {"classifier.weight": torch.zeros(1)}, "epoch": 0}, trained[0] / "classifier.ckpt")
    result = clinimcl("train", *TINY, f"cohort.root={phantom}", "run=other", "store=store", *given, cwd=trained[0])
    assert result.returncode == 2 and part in result.stderr and not (trained[0] / "other").exists()


def test_a_run_of_an_earlier_version_is_the_same_without_the_settings_that_came_later(trained, clinimcl, phantom):
    shutil.copytree(trained[0] / "run", trained[0] / "earlier")
    path = trained[0] / "earlier" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    del config["preparation"]["dtype"]
    path.write_text(yaml.safe_dump(config))
    arguments = [f"cohort.root={phantom}", "cohort.score=MMSE", "store=store", "run=earlier", "ckpt_path=last"]
    assert "already done" in clinimcl("train", *TINY, *arguments, cwd=trained[0]).stdout


def test_another_split_than_the_trained_one_is_refused(trained, clinimcl, phantom):
    arguments = [f"cohort.root={phantom}", "run=other", "store=store", "ckpt_path=run/checkpoints/last.ckpt"]
    result = clinimcl("train", *TINY, *arguments, "epochs=3", "cohort.split.seed=5", cwd=trained[0])
    assert result.returncode == 2
    assert "are in another split than when the run was trained" in result.stderr


def test_the_report_and_the_store_hold_the_match_audit(trained):
    audit = pd.read_csv(trained[0] / "store" / "match_audit.csv")
    assert {"matched", "tie", "unmatched"} >= set(audit["status"])
    assert "atching of clinical visits" in (trained[0] / "run" / "report.html").read_text()


def test_a_cohort_without_second_sessions_is_refused_and_the_run_marked_failed(clinimcl, phantom, tmp_path):
    table = pd.DataFrame(
        {"subject": f"s{index}", "day": 0, "path": str(path)}
        for index, path in enumerate(sorted(phantom.glob("*_MR_*/anat*/*.nii.gz"))[:8])
    )
    table.to_csv(tmp_path / "scans.csv", index=False)
    arguments = ["cohort=table", "cohort.root=scans.csv", "cohort.score=null", "run=run", "store=store"]
    result = clinimcl("train", *TINY, *arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert "subject has two sessions" in result.stderr
    assert json.loads((tmp_path / "run" / "status.json").read_text())["status"] == "failed"
