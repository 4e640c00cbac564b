import os
import signal
import subprocess
import time

import pytest

from clinimcl.errors import UserError
from clinimcl.preparation import engine as engines
from clinimcl.preparation.engine import Local
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.prepare import prepare
from clinimcl.preparation.slurm import DaskOnSlurm
from clinimcl.preparation.store import Store
from tests.preparation.test_prepare import cohort, contents

PIPELINE = FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none")

# A queue of one machine: a job is a process group that begins at once, and its number is the group's.
SBATCH = """#!/bin/bash
if [ "$1" = --test-only ]; then
    if grep -q "SBATCH -p full"; then echo "sbatch: error: invalid partition specified: full" >&2; exit 1; fi
    exit 0
fi
cp "$1" "$QUEUE/script"
setsid bash "$QUEUE/script" > "$QUEUE/log" 2>&1 < /dev/null &
echo $! >> "$QUEUE/jobs"
echo "Submitted batch job $!"
"""
SQUEUE = """#!/bin/bash
for job in $(cat "$QUEUE/jobs"); do if kill -0 -- "-$job" 2> /dev/null; then echo "$job"; fi; done
"""
SCANCEL = """#!/bin/bash
kill -KILL -- "-$1"
"""


@pytest.fixture
def queue(tmp_path, monkeypatch):
    folder = tmp_path / "queue"
    folder.mkdir()
    (folder / "jobs").touch()
    for name, script in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("QUEUE", str(folder))
    return folder


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
    script = (queue / "script").read_text()
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
