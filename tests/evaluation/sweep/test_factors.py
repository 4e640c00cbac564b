from typing import Any

import pytest

from clinimcl.evaluation.sweep.factors import (
    Settings,
    described,
    objective_name,
    settings_of,
    shown,
    values_of,
    varying,
)

RANKED = "clinimcl.losses.ranked_contrast.RankedContrast"
SCORED = "clinimcl.losses.score_objective.ScoreObjective"


def config(**changed: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "run": "/data/runs/1",
        "seed": 0,
        "cohort": {"fold": None},
        "optimizer": {"lr": 0.1},
        "encoder": {"_target_": "clinimcl.encoders.tsm_resnet18.TsmResNet18"},
        "objective": {"_target_": SCORED, "mse_weight": 0.9, "contrast": {"_target_": RANKED, "weighted": True}},
        "classifier": {"combine": "difference", "hidden": [128]},
        "change": {"pairs": {"seed": 0}},
    }
    return settings | changed


def settings(**changed: Any) -> Settings:
    return settings_of(config(**changed))


@pytest.mark.parametrize(
    ("objective", "name"),
    [
        ({"_target_": SCORED, "contrast": None}, "MSE"),
        ({"_target_": SCORED, "contrast": {"_target_": RANKED, "weighted": False}}, "MSE + CL"),
        ({"_target_": SCORED, "contrast": {"_target_": "a.y_aware.YAware"}}, "MSE + y-Aware"),
        ({"_target_": "a.info_nce.InfoNCE", "temperature": 0.1}, "InfoNCE"),
    ],
)
def test_objectives_have_the_names_of_the_paper(objective: dict[str, Any], name: str):
    assert objective_name(objective) == name


def test_factors_are_named():
    assert described(config()) == {
        "encoder": "TSM-ResNet-18",
        "combine": "difference",
        "objective": "MSE + wCL",
        "λ": "0.9",
        "classifier": "MLP, 1 hidden layer",
    }


def test_without_contrast_there_is_no_weight_and_without_change_no_classifier():
    own = described(config(objective={"_target_": SCORED, "mse_weight": 1.0, "contrast": None}, change=None))
    assert own["λ"] == own["combine"] == own["classifier"] == ""


def test_seeds_folders_and_folds_are_no_factors():
    one = settings(cohort={"fold": 0})
    other = settings(run="/elsewhere", seed=1, change={"pairs": {"seed": 1}}, cohort={"fold": 1})
    assert varying(values_of([one, other])) == []
    assert (other.seed, other.fold) == (1, 1)


def test_what_the_encoder_sees_of_a_volume_is_a_factor_and_how_it_is_loaded_is_none():
    loading = {"workers": 0, "pin_memory": False, "slices": 8, "evaluation_batch": 32}
    faster = loading | {"workers": 4, "pin_memory": True, "evaluation_batch": 64}
    assert varying(values_of([settings(loading=loading), settings(loading=faster)])) == []
    values = values_of([settings(loading=loading), settings(loading=loading | {"slices": 16})])
    assert varying(values) == ["loading.slices"]


def test_where_training_began_is_a_factor():
    values = values_of([settings(ckpt_path=None), settings(ckpt_path="/data/runs/a/checkpoints/last.ckpt")])
    assert [own["ckpt_path"] for own in values] == ["null", "…/a/checkpoints/last.ckpt"]


def test_another_setting_that_differs_becomes_a_factor():
    values = values_of([settings(), settings(optimizer={"lr": 0.2})])
    assert varying(values) == ["optimizer.lr"]
    assert [own["optimizer.lr"] for own in values] == ["0.1", "0.2"]


def test_what_only_follows_from_the_encoder_is_no_factor():
    vit = {"_target_": "clinimcl.encoders.vit.FrameViT", "layers": 6}
    assert varying(values_of([settings(), settings(encoder=vit)])) == ["encoder"]
    values = values_of([settings(), settings(encoder=vit), settings(encoder=vit | {"layers": 12})])
    assert varying(values) == ["encoder", "encoder.layers"]


def test_folds_and_the_one_split_are_told_apart():
    assert varying(values_of([settings(), settings(cohort={"fold": 0})])) == ["folds"]


def test_paths_are_cut():
    assert shown("/home/anna/runs/a/checkpoints/best.ckpt") == "…/a/checkpoints/best.ckpt"
    assert shown(None) == "null"
