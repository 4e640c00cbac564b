"""The preparation as jobs of a SLURM queue."""

import getpass
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from clinimcl.errors import UserError
from clinimcl.preparation.engines.engine import Engine, Work, on_cluster


@final
@dataclass(frozen=True)
class DaskOnSlurm(Engine):
    """A Dask cluster of jobs that are submitted from here and cancelled at the end.

    What this does not set, as a network interface or the folder of logs, is as in Dask's own jobqueue.yaml.
    """

    jobs: int
    cores: int  # of a job, a process each
    memory: str  # of a job, as 16GB
    walltime: str  # of a job, as 04:00:00
    partition: str | None
    account: str | None

    def __post_init__(self) -> None:
        if min(self.jobs, self.cores) < 1:
            raise ValueError(f"jobs and cores must be at least 1, got {self.jobs} and {self.cores}")

    def run(self, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        try:
            from dask_jobqueue import SLURMCluster
            from distributed import Client
        except ImportError:
            raise UserError(
                "engine=slurm needs dask-jobqueue, which is not installed: pip install 'clinimcl[slurm]'"
            ) from None
        if shutil.which("sbatch") is None:
            raise UserError(
                "engine=slurm needs SLURM's sbatch, which is not on PATH: start it where jobs are submitted, or use "
                "engine=local or engine=dask"
            )
        if not items:
            return
        cluster = SLURMCluster(
            cores=self.cores,
            processes=self.cores,
            memory=self.memory,
            walltime=self.walltime,
            queue=self.partition,
            account=self.account,
            scheduler_options={"dashboard_address": ":0"},
        )
        with cluster, Client(cluster) as client:
            _try(cluster.job_script())
            cluster.scale(jobs=self.jobs)
            print(f"{self.jobs} jobs of {self.cores} cores are submitted to SLURM", file=sys.stderr, flush=True)
            yield from on_cluster(client, work, items, partial(self._require_jobs, cluster, client, set()))

    def _require_jobs(self, cluster: Any, client: Any, submitted: set[str]) -> None:
        """
        Raises:
            UserError: no worker is at work, and none of the jobs submitted so far is in the queue any more.
        """
        submitted |= {job.job_id for job in cluster.workers.values() if job.job_id}
        if submitted and not client.scheduler_info()["workers"] and not submitted & _queued(submitted):
            raise UserError(
                "all SLURM jobs have ended with scans left to prepare: their logs tell why, most often engine.walltime="
                f"{self.walltime} or engine.memory={self.memory}; what is prepared stays, and the same command goes on"
            )


def _try(script: str) -> None:
    """
    Raises:
        UserError: SLURM would not take such a job.
    """
    tried = subprocess.run(["sbatch", "--test-only"], input=script, capture_output=True, text=True, check=False)
    if tried.returncode:
        raise UserError(f"SLURM refuses the jobs of engine=slurm: {' '.join(tried.stderr.split())}")


def _queued(otherwise: set[str]) -> set[str]:
    """The user's jobs that wait or run; `otherwise` where SLURM does not answer for now."""
    command = ["squeue", "--noheader", "--format=%A", "--user", getpass.getuser()]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return otherwise if asked.returncode else set(asked.stdout.split())
