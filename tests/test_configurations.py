"""Every file of conf/ composes, names allowed targets, and fits their signatures."""

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from clinimcl.config.building import check

CONF = Path(__file__).parent.parent / "conf"
REQUIRED = ["cohort.root=somewhere"]
FREE = {"cohort", "preparation", "engine", "encoder", "objective", "augmentation", "schedule", "trainer", "logger"}
FREE |= {"projector", "pretraining", "classifier", "change"}
OTHERS = {"encoder=vit": "lus_learner", "preparation=clips": "lus_learner", "pretraining=score": "adni_learner"}


def composed(name, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        node = OmegaConf.to_container(compose(name, [*REQUIRED, *overrides]), resolve=True)
    check(node)
    return node


def names(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@pytest.mark.parametrize("experiment", names("experiment"))
def test_every_experiment_fits_its_targets(experiment):
    assert composed("train", f"experiment={experiment}", "cohort.score=MMSE")["name"]


@pytest.mark.parametrize("override", [f"{group}={name}" for group in sorted(FREE | {"debug"}) for name in names(group)])
def test_every_choice_fits_its_targets(override, monkeypatch):
    for name in ("SLURM_JOB_ID", "SLURM_NTASKS_PER_NODE", "SLURM_NNODES"):
        monkeypatch.setenv(name, "2")
    assert composed("train", f"experiment={OTHERS.get(override, 'oasis_infonce')}", override)


@pytest.mark.parametrize("cohort", names("cohort"))
def test_every_cohort_can_be_prepared(cohort):
    assert composed("prepare", f"cohort={cohort}")["cohort"]["root"] == "somewhere"


def test_the_paper_s_experiment_has_the_paper_s_numbers():
    node = composed("train", "experiment=oasis_infonce_paper")
    assert (node["epochs"], node["pretrain"]["batch"], node["pretrain"]["subject_share"]) == (10, 8, 0.25)
    assert (node["optimizer"]["lr"], node["optimizer"]["weight_decay"]) == (1e-4, 1e-4)
    assert (node["objective"]["temperature"], node["schedule"], node["augmentation"]) == (0.07, None, None)
    assert (node["preparation"]["stored"], node["preparation"]["grid"]) == (128, 96)


def test_hydra_is_known_where_a_configuration_is_read_alone():
    package = CONF.parent / "clinimcl"
    knows = [path for path in package.rglob("*.py") if re.search("omegaconf|import hydra", path.read_text())]
    assert {str(path.relative_to(package)) for path in knows} == {"config/hydra_job.py", "runs/folder.py"}
