"""Several processes that train together: started by Lightning, or by SLURM, one a task."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

TINY = [
    "review_scans=0",
    "experiment=demo",
    "engine.workers=1",
    "preparation.grid=16",
    "encoder.channels=[8,8]",
    "keep_every=100",
    "pretrain.batch=4",
    "pretrain.pairs_per_epoch=8",
    "cohort.split.validation=0.2",
    "cohort.split.test=0.3",
    "augmentation=none",  # each process augments its part by its own chance
    "store=store",
]
ON_CPUS = ["trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.sync_batchnorm=false"]
ON_CPUS += ["trainer.log_every_n_steps=1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ddp")


def losses(run):
    logged = pd.concat(pd.read_csv(path) for path in sorted(run.glob("metrics*.csv")))
    return logged.dropna(subset="train/loss").set_index("step")["train/loss"]


def tasks(started, arguments, cwd, **environment):
    """Two of a SLURM job, as srun starts them."""
    slurm = {"SLURM_JOB_ID": "77", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1"}
    slurm |= {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_TASKS_PER_NODE": "2"}
    slurm |= {"SLURM_JOB_NAME": "train", "SLURM_NODELIST": "127.0.0.1", "SLURM_NODEID": "0", "MASTER_ADDR": "127.0.0.1"}
    own = [{"SLURM_PROCID": str(task), "SLURM_LOCALID": str(task)} for task in (0, 1)]
    command = ["train", *arguments, "trainer=slurm", *ON_CPUS]
    return [started(*command, cwd=cwd, **slurm, **environment, **each) for each in own]


def until(found, process):
    while not found():
        assert process.poll() is None, process.finished()
        time.sleep(0.05)


def children(process):
    return [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@pytest.mark.slow
def test_lightning_starts_the_other_process_and_one_leaves_a_run(own_process, folder, phantom):
    arguments = [*TINY, f"cohort.root={phantom}", "epochs=2"]
    two = own_process("train", *arguments, "run=two", "trainer=ddp", "trainer.devices=2", *ON_CPUS, cwd=folder)
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("report: ") == 1
    assert sorted(losses(folder / "two").index) == list(range(4))


def test_two_processes_that_were_ended_and_queued_again_train_as_one_undisturbed(clinimcl, started, folder, phantom):
    arguments, run = [*TINY, f"cohort.root={phantom}", "epochs=30"], folder / "runs" / "demo" / "slurm-77"
    alone = clinimcl("train", *arguments, "run=one", cwd=folder)
    assert alone.returncode == 0, alone.stderr
    first = tasks(started, arguments, folder, MASTER_PORT=free_port())
    until((run / "checkpoints" / "last.ckpt").is_file, first[0])
    first[0].send_signal(signal.SIGTERM)  # the other one hears of it
    said = [task.finished() for task in first]
    assert [task.returncode for task in said] == [143, 0], said
    again = tasks(started, arguments, folder, MASTER_PORT=free_port())
    said = [task.finished() for task in again]
    assert [task.returncode for task in said] == [0, 0], said
    assert len(list(run.glob("metrics*.csv"))) == 2
    pd.testing.assert_series_equal(losses(run), losses(folder / "one"), rtol=1e-3, atol=1e-5)
    values = [json.loads((each / "evaluation.json").read_text())["val_loss"]["value"] for each in (run, folder / "one")]
    assert values[0] == pytest.approx(values[1], rel=1e-3)


def test_a_process_that_is_lost_is_told_by_the_first_one(started, folder, phantom):
    arguments = [*TINY, f"cohort.root={phantom}", "epochs=3000", "run=lost"]
    first, second = tasks(started, arguments, folder, MASTER_PORT=free_port())
    until((folder / "lost" / "checkpoints" / "last.ckpt").is_file, first)
    second.send_signal(signal.SIGKILL)
    said, _ = first.finished(), second.finished()
    assert said.returncode == 2, said
    assert "another process of this training was lost" in said.stderr
    assert json.loads((folder / "lost" / "status.json").read_text())["status"] == "failed"


def test_a_process_that_was_started_and_lost_before_they_meet_is_not_waited_for(started, folder, phantom):
    arguments = [*TINY, f"cohort.root={phantom}", "epochs=2", "run=unmet", "trainer=ddp", "trainer.devices=2"]
    first = started("train", *arguments, *ON_CPUS, cwd=folder)
    until(lambda: children(first), first)
    os.kill(*children(first), signal.SIGKILL)
    said = first.finished()
    assert said.returncode == 2, said
    assert "process 1 of the 2 that train together was ended by SIGKILL" in said.stderr
    assert json.loads((folder / "unmet" / "status.json").read_text())["status"] == "failed"


@pytest.mark.slow
def test_the_first_process_of_another_node_leaves_nothing(folder, phantom):
    arguments = [*TINY, f"cohort.root={phantom}", "epochs=2", "run=nodes", "trainer=ddp", *ON_CPUS]
    command = [sys.executable, "-m", "clinimcl.train", *arguments, "trainer.devices=1", "trainer.num_nodes=2"]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    told = {"cwd": folder, "stdout": subprocess.PIPE, "text": True}
    nodes = [subprocess.Popen(command, env=os.environ | meeting | {"NODE_RANK": str(node)}, **told) for node in (0, 1)]
    said = [node.communicate(timeout=300)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0]
    assert ["report: " in text for text in said] == [True, False]


def test_tasks_that_srun_starts_for_a_training_of_one_process_are_refused(clinimcl, folder, phantom):
    arguments = [*TINY, f"cohort.root={phantom}", "epochs=2", "run=copies", "trainer=cpu"]
    step = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "1", "SLURM_LOCALID": "1", "SLURM_STEP_ID": "0"}
    result = clinimcl("train", *arguments, cwd=folder, **step)
    assert result.returncode == 2
    assert "srun started 4 tasks, but with trainer.devices=1 each would train by itself" in result.stderr
    assert not (folder / "copies").exists()


def test_trainer_slurm_without_its_tasks_is_told(clinimcl, folder, phantom):
    job = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_NNODES": "1", "SLURM_PROCID": "0"}
    result = clinimcl("train", *TINY, f"cohort.root={phantom}", "trainer=slurm", cwd=folder, **job)
    assert result.returncode == 2
    assert "sbatch --nodes=N --ntasks-per-node=DEVICES" in result.stderr


def test_a_batch_that_the_processes_cannot_share_is_told_before_they_start(clinimcl, folder, phantom):
    arguments = [*TINY, f"cohort.root={phantom}", "epochs=2", "run=three", "trainer=ddp", "trainer.devices=3"]
    result = clinimcl("train", *arguments, *ON_CPUS, cwd=folder)
    assert result.returncode == 2
    assert "pretrain.batch=4 must be shared equally by 3 processes" in result.stderr


def test_a_chunk_larger_than_the_batch_of_a_process_is_told_before_they_start(clinimcl, folder, phantom):
    arguments = [*TINY, f"cohort.root={phantom}", "epochs=2", "run=chunks", "trainer=ddp", "trainer.devices=2"]
    result = clinimcl("train", *arguments, "pretrain.chunk=4", *ON_CPUS, cwd=folder)
    assert result.returncode == 2
    assert "pretrain.chunk=4 must be at most the 2 pairs of each of 2 processes" in result.stderr
