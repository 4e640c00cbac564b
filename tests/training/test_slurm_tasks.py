"""SLURM's variables as sbatch, salloc and srun set them."""

import pytest
from lightning.fabric.plugins.environments import LightningEnvironment

from clinimcl.errors import UserError
from clinimcl.runs.components import alone, trainer_with
from clinimcl.training.slurm_tasks import SlurmTasks, check_not_copied, tasks

JOB = {"JOB_ID": "7", "JOB_NAME": "train", "NTASKS": "4", "NNODES": "1", "NODELIST": "node01"}
BATCH = JOB | {"PROCID": "0", "LOCALID": "0", "NODEID": "0", "TASK_PID": "100"}
STEP = BATCH | {"STEP_ID": "0", "STEP_NUM_TASKS": "4", "STEP_TASKS_PER_NODE": "4"}
SALLOC = JOB | {"JOB_NAME": "interactive"}
CPU = {
    "_target_": "lightning.pytorch.trainer.trainer.Trainer",
    "_partial_": True,
    "accelerator": "cpu",
    "precision": "32-true",
    "devices": 1,
}
DDP = CPU | {"strategy": "ddp", "devices": 4, "num_nodes": 1}


@pytest.fixture
def environment(monkeypatch):
    def set_to(variables, **others):
        for name, value in variables.items():
            monkeypatch.setenv(f"SLURM_{name}", value)
        for name, value in others.items():
            monkeypatch.setenv(name, value)

    return set_to


def trainer(node):
    return trainer_with(node, {"logger": False})


def started_by(trainer):
    return type(trainer.strategy.cluster_environment)


@pytest.mark.parametrize(
    "variables",
    [
        BATCH,
        BATCH | {"NTASKS_PER_NODE": "4"},
        BATCH | {"NTASKS": "1"},
        {name: value for name, value in BATCH.items() if name != "NTASKS"},
        BATCH | {"STEP_ID": "4294967291"},
        BATCH | {"NNODES": "2", "NTASKS_PER_NODE": "2"},
        SALLOC,
        SALLOC | {"NTASKS_PER_NODE": "4"},
        STEP | {"STEP_ID": "4294967290", "JOB_NAME": "interactive"},
        STEP | {"NTASKS": "1", "STEP_NUM_TASKS": "1", "STEP_TASKS_PER_NODE": "1", "NTASKS_PER_NODE": "4"},
        BATCH | {"NTASKS": "1", "STEP_ID": "3", "STEP_NUM_TASKS": "1", "JOB_NAME": "bash"},
    ],
    ids=[
        *("ntasks", "ntasks_per_node", "one_task", "ntasks_unset", "batch_step", "two_nodes"),
        *("salloc", "salloc_per_node", "interactive_step", "srun_n_1", "srun_pty"),
    ],
)
def test_one_process_that_was_started_trains_as_one(environment, variables):
    environment(variables)
    check_not_copied(trainer(CPU))
    assert (trainer(CPU).world_size, trainer(CPU).global_rank) == (1, 0)


@pytest.mark.parametrize("variables", [BATCH, BATCH | {"NTASKS_PER_NODE": "4"}, SALLOC, STEP | {"STEP_NUM_TASKS": "1"}])
def test_several_of_which_one_was_started_are_started_by_lightning(environment, variables):
    environment(variables)
    assert started_by(trainer(DDP)) is LightningEnvironment
    assert not trainer(DDP).strategy.cluster_environment.creates_processes_externally


@pytest.mark.parametrize("name", ["train", "interactive"])  # srun within salloc keeps the name of the allocation
@pytest.mark.parametrize("per_node", [{}, {"NTASKS_PER_NODE": "4"}])
def test_the_tasks_of_srun_train_together(environment, name, per_node):
    environment(STEP | per_node | {"JOB_NAME": name, "PROCID": "2", "LOCALID": "2"})
    together = trainer(DDP)
    assert started_by(together) is SlurmTasks
    assert (together.world_size, together.global_rank) == (4, 2)


def test_those_of_two_nodes_do(environment):
    environment(STEP | {"NNODES": "2", "STEP_TASKS_PER_NODE": "2(x2)", "PROCID": "3", "LOCALID": "1", "NODEID": "1"})
    assert trainer(DDP | {"devices": 2, "num_nodes": 2}).global_rank == 3


@pytest.mark.parametrize(
    ("tasks_per_node", "devices", "nodes"), [("4", 2, 1), ("3,1", 2, 2), ("2(x2)", 4, 1), ("4", "auto", 1)]
)
def test_tasks_that_are_not_one_a_device_are_refused(environment, tasks_per_node, devices, nodes):
    environment(STEP | {"STEP_TASKS_PER_NODE": tasks_per_node})
    with pytest.raises(UserError, match=r"but srun started 4 \(.* a node\): use srun --nodes=. --ntasks-per-node="):
        trainer(DDP | {"devices": devices, "num_nodes": nodes})


def test_copies_of_one_training_are_refused(environment):
    environment(STEP)
    with pytest.raises(UserError, match=r"srun started 4 tasks, but with trainer.devices=1 each would train by itself"):
        check_not_copied(trainer(CPU))


def test_what_follows_a_training_of_several_is_done_by_one(environment):
    environment(STEP | {"NTASKS_PER_NODE": "4"})
    assert trainer(alone(DDP)).world_size == 1


@pytest.mark.parametrize("variables", [BATCH, SALLOC, STEP | {"STEP_NUM_TASKS": "1"}])
def test_other_nodes_on_which_nothing_was_started_are_not_waited_for(environment, variables):
    environment(variables)
    with pytest.raises(UserError, match=r"trainer.num_nodes=2 waits for .* start it by srun"):
        trainer(DDP | {"num_nodes": 2})


def test_those_that_the_user_starts_on_each_node_meet(environment):
    environment(BATCH, NODE_RANK="1", MASTER_ADDR="node01", MASTER_PORT="29500")
    assert trainer(DDP | {"num_nodes": 2}).global_rank == 4


def test_a_shell_of_srun_is_one_process_and_what_it_starts_by_srun_is_not(environment, monkeypatch):
    environment(STEP | {"PTY_PORT": "40000"})
    monkeypatch.setattr("os.isatty", lambda descriptor: True)
    assert tasks() == 1
    monkeypatch.setattr("os.isatty", lambda descriptor: False)
    assert tasks() == 4


def test_torchrun_goes_first(environment):
    together = {"RANK": "1", "LOCAL_RANK": "1", "GROUP_RANK": "0", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4"}
    environment(STEP | {"STEP_NUM_TASKS": "1"}, TORCHELASTIC_RUN_ID="7", **together)
    assert trainer(DDP).global_rank == 1


def test_without_slurm_nothing_changes(environment):
    assert started_by(trainer(DDP)) is LightningEnvironment
