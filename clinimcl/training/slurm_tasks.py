"""Which processes of a SLURM job train together."""

import os
from typing import final

import lightning.pytorch as pl
from lightning.fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from lightning.pytorch.strategies import ParallelStrategy

from clinimcl.config.settings import Node
from clinimcl.errors import UserError

OWN_STEPS = 0xFFFFFFF0  # from here on a step is SLURM's own: a batch script, or the shell of salloc


@final
class SlurmTasks(SLURMEnvironment):
    """The tasks of one srun, each with a device; without Lightning's own way to queue again.

    Lightning's checks of the variables refuse `srun --ntasks`; `environments` has others in their place.
    """

    def __init__(self) -> None:
        super().__init__(auto_requeue=False)

    @staticmethod
    def _validate_srun_used() -> None:
        pass

    @staticmethod
    def _validate_srun_variables() -> None:
        pass

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        pass

    def world_size(self) -> int:
        return tasks()


def tasks() -> int:
    """How many tasks srun started together with this process; 1 in a batch script, in a shell or without SLURM.

    A job's variables are there although one process was started: `SLURM_NTASKS` is what it may start.
    """
    given = os.environ
    shell = "SLURM_PTY_PORT" in given and os.isatty(0)  # of srun --pty; what is started in it inherits the variable
    if "SLURM_PROCID" not in given or shell:
        return 1
    step = 0 <= int(given.get("SLURM_STEP_ID", OWN_STEPS)) < OWN_STEPS
    if not (step or _launched_otherwise() or int(given["SLURM_PROCID"]) > 0):
        return 1
    return int(given.get("SLURM_STEP_NUM_TASKS") or given.get("SLURM_NTASKS") or 1)


def _launched_otherwise() -> bool:
    """With SLURM's variables and a port to meet at, but neither by SLURM, which tells its tasks their process, nor by
    Lightning."""
    return "MASTER_PORT" in os.environ and not {"SLURM_TASK_PID", "LOCAL_RANK"} & os.environ.keys()


def environments(trainer: Node) -> list[ClusterEnvironment]:
    """In a SLURM job: how the processes of a trainer come to be. Nothing elsewhere, nor where torchrun starts them.

    Where srun did not start several tasks, one process trains by itself, or starts the others.

    Raises:
        UserError: processes of other nodes, which nobody started, would be waited for.
    """
    if not {"SLURM_JOB_ID", "SLURM_NTASKS", "SLURM_PROCID"} & os.environ.keys() or TorchElasticEnvironment.detect():
        return []
    nodes = trainer.get("num_nodes", 1)
    if tasks() == 1 and nodes > 1 and not {"NODE_RANK", "GROUP_RANK"} & os.environ.keys():
        raise UserError(
            f"trainer.num_nodes={nodes} waits for processes of other nodes, but this one was not started by srun: "
            "start it by srun python -m clinimcl.train ... trainer=slurm, or set trainer.num_nodes=1"
        )
    if tasks() == 1 or (nodes == 1 and trainer["devices"] == 1):
        return [LightningEnvironment()]
    return [SlurmTasks()]


def check_started(trainer: pl.Trainer) -> None:
    """Srun must have started a task for each device of each node.

    Raises:
        UserError: with the options that do.
    """
    devices, nodes, together = trainer.num_devices, trainer.num_nodes, tasks()
    strategy = trainer.strategy
    if not (isinstance(strategy, ParallelStrategy) and isinstance(strategy.cluster_environment, SlurmTasks)):
        return
    each = os.environ.get("SLURM_STEP_TASKS_PER_NODE", "")
    if devices * nodes != together or each not in ("", str(devices), f"{devices}(x{nodes})"):
        started = f"{together} ({each} a node)" if each else str(together)
        raise UserError(
            f"trainer.devices={devices} and trainer.num_nodes={nodes} want a task for each device, but srun started "
            f"{started}: use srun --nodes={nodes} --ntasks-per-node={devices}, or set them to what it started"
        )


def check_not_copied(trainer: pl.Trainer) -> None:
    """
    Raises:
        UserError: each of several tasks would do the same training by itself, in the same folder.
    """
    if tasks() > 1 and trainer.world_size == 1:
        raise UserError(
            f"srun started {tasks()} tasks, but with trainer.devices=1 each would train by itself in the same folder: "
            "use srun --ntasks=1, or trainer=slurm, with which they train together"
        )
