"""The command line, as a user meets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "lightning", "monai", "pandas", "scipy", "nibabel", "nilearn", "wandb"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def refused(clinimcl, tmp_path):
    """What a command says that is the user's mistake."""

    def run(command, *arguments, **environment):
        result = clinimcl(command, *arguments, cwd=tmp_path, **environment)
        assert result.returncode == 2, result.stderr
        assert "Traceback" not in result.stderr
        return result.stderr

    return run


COMMANDS = ["train", "prepare", "phantom", "evaluate", "embed", "exam", "dashboard", "export", "predict", "serve"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_told_without_composing_anything(command, tmp_path):
    told = printed_lightly(command, "--help", cwd=tmp_path, heavy=HEAVY | {"hydra", "omegaconf"})
    assert told.startswith(f"python -m clinimcl.{command} ")


def test_help_names_each_group_and_its_options_and_marks_what_is_taken(tmp_path):
    told = printed_lightly("train", "experiment=demo", "--help", cwd=tmp_path)
    assert "\npreparation: clips, field_of_view*, paper\n" in told
    for group in (path for path in (ROOT / "conf").iterdir() if path.is_dir()):
        options = sorted(path.stem for path in group.glob("*.yaml"))
        assert f"\n{group.name}: {', '.join(options)}\n" in told.replace("*", "")


@pytest.mark.parametrize("command", ["train", "predict"])
def test_help_that_is_not_read_to_its_end_ends_quietly(command, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    module = [sys.executable, "-m", f"clinimcl.{command}", "--help"]
    ended = subprocess.run(module, stdout=writing, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_help_tells_what_each_setting_is(tmp_path):
    told = printed_lightly("evaluate", "--help", cwd=tmp_path)
    assert "run: ???                   # a run folder\n" in told and "Groups" not in told


def test_the_configuration_is_printed_without_importing_anything_heavy(tmp_path):
    assert "temperature: 0.1" in printed_lightly("train", "experiment=oasis_infonce", "--cfg", "job", cwd=tmp_path)


def printed_lightly(command, *arguments, cwd, heavy=HEAVY):
    code = (
        f"import sys, runpy, atexit; sys.argv[1:] = {list(arguments)!r};"
        f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules)), file=sys.stderr));"
        f"runpy.run_module('clinimcl.{command}', run_name='__main__')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd)
    assert result.stderr.strip() == "[]"
    return result.stdout


def test_no_experiment_gives_the_list_of_them(refused):
    assert "experiment=... must be given, one of adni_learner, bids_learner" in refused("train")


def test_no_root_gives_a_sentence(refused):
    assert "cohort.root must be given" in refused("prepare", "cohort=bids")


def test_a_missing_root_names_the_phantom_that_stands_in(refused):
    message = refused("prepare", "cohort=oasis3", "cohort.root=nowhere")
    assert "nowhere" in message
    assert "python -m clinimcl.phantom layout=oasis3" in message


def test_an_unknown_key_is_refused(refused):
    assert "rot" in refused("prepare", "cohort=bids", "cohort.rot=x")


@pytest.mark.parametrize("argument", ["DOE_JANE.nii", 'token=DOE_JANE;b"c', "encoder={DOE_JANE"])
def test_what_is_no_setting_is_refused_and_not_repeated(refused, argument):
    said = refused("predict", "model=m", argument)
    assert "DOE_JANE" not in said and said.count("\n") == 1


SERVING = {
    "token='пароль-пароль-пароль'": "token must be of letters, digits and signs of ASCII",
    "token=short": "token must have at least 16 characters, got 5",
    "host=0.0.0.0": "set token=...",
    "most_mib=nan": "most_mib a number above 0",
    "most_mib=inf": "most_mib a number above 0",
}


@pytest.mark.parametrize("setting", SERVING)
def test_a_page_for_whom_it_should_not_be_or_without_bounds_is_refused(refused, setting):
    assert SERVING[setting] in refused("serve", "model=m", setting)


def test_an_unknown_choice_is_refused_with_the_list(refused):
    assert "bids" in refused("prepare", "cohort=adnii")


REFUSED = {
    ("experiment=foo",): "there is no experiment=foo: expected one of adni_learner, bids_learner",
    ("experiment=lus_learner", "encoder=cnn3d", "cohort.root=x"): (
        "encoder.grid takes its value from preparation.grid, which preparation=clips has not: choose another encoder"
    ),
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_parts_that_are_not_there_or_do_not_fit_are_told_in_one_line(refused, arguments):
    said = refused("train", *arguments)
    assert REFUSED[arguments] in said and said.count("\n") == 1


def test_a_name_without_brackets_is_a_list_of_one(refused):
    said = refused("exam", "embeddings=x.csv", "column=dx", "out=o", "groups=dx")
    assert "groups=dx are the classes themselves" in said


def test_a_forbidden_target_is_refused(refused):
    message = refused("prepare", "cohort=bids", "cohort.root=x", "engine._target_=os.system")
    assert "engine._target_=os.system" in message


def test_a_forbidden_target_among_hydra_s_callbacks_is_refused(refused):
    arguments = ["cohort=bids", "cohort.root=x", "+hydra.callbacks.x._target_=os.getcwd"]
    assert "hydra.callbacks" in refused("prepare", *arguments)


@pytest.mark.parametrize("option", ["--experimental-rerun", "--experimental", "--e=config.pickle"])
def test_a_pickled_rerun_is_refused(refused, option):
    assert "pickle" in refused("train", option, "config.pickle")


def test_a_logging_configuration_runs_nothing(refused, tmp_path):
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    door = "hydra: {job_logging: {version: 1, filters: {x: {'()': numpy.save, file: opened.npy, arr: 1}}, root: {}}}"
    text = f"# @package _global_\ndefaults: [demo]\n{door}\n"
    (tmp_path / "mine" / "experiment" / "mine.yaml").write_text(text)
    refused("train", "--config-dir", "mine", "experiment=mine", "cohort.root=x", "run=run")
    assert not (tmp_path / "opened.npy").exists()


@pytest.mark.parametrize(("command", "least"), [("phantom", 100), ("prepare", 600)])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(own_process, phantom, tmp_path, command, least):
    arguments = {
        "phantom": ["layout=lung", "out=out", "subjects=2", "workers=1"],
        "prepare": ["cohort=oasis3", f"cohort.root={phantom}", "store=out", "preparation.grid=16", "engine.workers=1"],
    }
    result = own_process(command, *arguments[command], cwd=tmp_path, largest_file=least)
    assert result.returncode == 2, result.stderr
    assert "File too large" in result.stderr and "Traceback" not in result.stderr
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".npy", ".mp4", ".csv", ".parquet")]


def test_folders_with_any_name_work(own_process, tmp_path):
    root = tmp_path / "my scans (1), k=v, it's [x]: {y}"
    made = own_process("phantom", "layout=lung", f"out={root}", "subjects=1", "workers=1", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert json.loads((root / "phantom.json").read_text())["subjects"] == 1


WRONG = {
    "preparation.grid=0": "grid must be at least 2",
    "preparation.align=rigidd": "align must be none or rigid",
    "pretrain.batch=0": "batch must be at least 2",
    "cohort.root=": "cohort.root must be a path",
    "epochs=many": "epochs must be int, got 'many'",
    "seed=-1": "seed must be at least 0 and less than 2³², got -1",
    "epochs=-1": "epochs and save_minutes must be at least 0 and keep_every at least 1",
    "most_set_aside=2": "most_set_aside must be a share between 0 and 1",
    "pretrain.batch=1.5": "pretrain.batch must be int, got 1.5",
    "objective.temperature=0": "temperature must be positive",
    "encoder.groups=7": "must be divisible by num_groups",
    "augmentation.noise=-1": "must be at least 0",
    "cohort.window_days=-1": "cohort.window_days must be at least 0",
    "name=../escape": "name must be letters",
    "objective=mse": "does not go with pretraining",
    "trainer.devices=0": "trainer.devices must be how many processes train, at least 1, got 0",
    "trainer=ddp trainer.accelerator=cpu": "set trainer.precision=32-true trainer.sync_batchnorm=false",
    "trainer.precision=bf16-true": "trainer.precision=bf16-true is for GPUs, but trainer.accelerator=cpu",
    "ckpt_path=nowhere.ckpt": "nowhere.ckpt: expected a local file",
    "logger=wandb logger.share=[subjects]": "logger.share needs logger.key",
    "logger=wandb logger.share=[names]": "logger.share may hold subjects and images, got names",
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_value_is_told_before_any_work(refused, setting):
    arguments = ["experiment=demo", "cohort.root=no such cohort", "run=run", *setting.split()]
    assert WRONG[setting] in refused("train", *arguments)


def test_a_machine_without_a_gpu_is_told(refused):
    arguments = ["experiment=demo", "cohort.root=no such cohort", "run=run", "trainer=gpu"]
    assert "trainer.accelerator=gpu needs a GPU" in refused("train", *arguments, CUDA_VISIBLE_DEVICES="")


def test_a_damaged_checkpoint_is_told_before_any_work(refused, tmp_path):
    (tmp_path / "cut.ckpt").write_bytes(b"PK")
    arguments = ["experiment=demo", "cohort.root=no such cohort", "run=run", "ckpt_path=cut.ckpt"]
    assert "cut.ckpt is damaged" in refused("train", *arguments)
    assert not (tmp_path / "run").exists()
