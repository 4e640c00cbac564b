import os
import signal
import subprocess
import time

import pytest

from clinimcl.errors import UserError
from clinimcl.preparation.engines import engine as engines
from clinimcl.preparation.engines.engine import Local
from clinimcl.preparation.engines.slurm import DaskOnSlurm
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.prepare import prepare
from clinimcl.preparation.store.store import Store
from tests.preparation.test_prepare import cohort, contents

PIPELINE = FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none")


def jobs(**changes):
    own = {"jobs": 1, "cores": 2, "memory": "2GB", "walltime": "00:10:00", "partition": None, "account": "brains"}
    return DaskOnSlurm(**own | changes)


def running():
    return subprocess.run("squeue", capture_output=True, text=True, check=True).stdout.split()


def test_jobs_of_a_queue_write_the_same_store_and_are_gone_afterwards(queue, tmp_path):
    scans = cohort(tmp_path / "raw")
    for name, engine in (("alone", Local(1)), ("slurm", jobs())):
        prepare(scans, PIPELINE, Store(tmp_path / name), engine, most_set_aside=0.0)
    assert contents(tmp_path / "alone") == contents(tmp_path / "slurm")
    (script,) = (path.read_text() for path in queue.glob("script*"))
    assert all(line in script for line in ("#SBATCH -A brains", "--cpus-per-task=2", "#SBATCH -t 00:10:00"))
    deadline = time.monotonic() + 5
    while running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running() == []


def test_a_job_that_slurm_refuses_is_told_in_its_words(queue):
    with pytest.raises(UserError, match="refuses the jobs of engine=slurm: sbatch: error: invalid partition specified"):
        list(jobs(partition="full").run(abs, [-1]))


def end_the_job(number):
    os.killpg(0, signal.SIGKILL)


def test_jobs_that_all_ended_are_told_in_a_sentence(queue, monkeypatch):
    monkeypatch.setattr(engines, "QUIET", 1.0)
    with pytest.raises(UserError, match=r"all SLURM jobs have ended .* engine.walltime=00:10:00"):
        list(jobs().run(end_the_job, [1]))


def test_without_slurm_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="engine=slurm needs SLURM's sbatch, which is not on PATH"):
        list(jobs().run(abs, [-1]))


def test_nothing_to_prepare_submits_no_job(queue):
    assert list(jobs().run(abs, [])) == []
    assert running() == []
