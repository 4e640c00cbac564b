import functools

import pytest
import torch

from clinimcl.config.building import build, check, complete
from clinimcl.encoders.projector import Projector
from clinimcl.errors import UserError

PROJECTOR = {"_target_": "clinimcl.encoders.projector.Projector", "embedding": 4, "hidden": 3, "projection": 2}


def test_a_node_becomes_its_object():
    assert isinstance(build(PROJECTOR), Projector)


def test_nodes_inside_of_nodes_are_built_first():
    split = {"_target_": "clinimcl.cohorts.splits.Splitting", "by": "subject", "stratify": [], "validation": 0.1}
    cohort = {"_target_": "clinimcl.cohorts.table.Table", "root": "x", "score": None, "higher_is": None, "mask": None}
    cohort |= {"spacing": [1.0, 1.0, 2.0], "fold": None, "modality": "T1w", "split": split | {"test": 0.2, "seed": 0}}
    built = build(cohort)
    assert built.split.test == 0.2
    assert built.spacing == [1.0, 1.0, 2.0]


def test_a_partial_node_waits_for_the_rest():
    made = build({"_target_": "torch.optim.AdamW", "_partial_": True, "lr": 0.1})
    assert isinstance(made, functools.partial)
    assert isinstance(made(torch.nn.Linear(2, 2).parameters()), torch.optim.AdamW)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "torch.load",
        "torch.hub.load",
        "monai.networks.nets.resnet.torch.load",
        "clinimcl.config.building.importlib.import_module",
        "clinimcl.config.building.functools.partial",
        "clinimcl.cohorts.cohort.Cohort.table",
        "clinimcl.nothing.Here",
        "torch",
        7,
        None,
    ],
)
@pytest.mark.parametrize("act", [build, check])
def test_a_target_is_judged_by_what_it_really_is(target, act):
    with pytest.raises(UserError, match=r"a\.b\._target_=.* is not on the list"):
        act({"a": {"b": {"_target_": target}}})


def test_the_refusal_names_what_the_path_leads_to():
    with pytest.raises(UserError, match=r"which is torch\.serialization\.load,"):
        build({"_target_": "monai.networks.nets.resnet.torch.load"}, "encoder")


def test_a_refused_module_is_not_even_imported(tmp_path, monkeypatch):
    (tmp_path / "harmful.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="is not on the list"):
        build({"_target_": "harmful.Thing"}, "encoder")


@pytest.mark.parametrize("act", [build, check])
def test_an_unknown_setting_is_told_with_those_that_there_are(act):
    with pytest.raises(UserError, match=r"projector: Projector .*'depth'; it takes embedding, hidden, projection"):
        act({"projector": PROJECTOR | {"depth": 3}})


@pytest.mark.parametrize(
    ("setting", "value"), [("hidden", "many"), ("hidden", 2.5), ("hidden", None), ("hidden", True)]
)
@pytest.mark.parametrize("act", [build, check])
def test_a_value_of_the_wrong_type_is_told(act, setting, value):
    with pytest.raises(UserError, match=rf"projector\.{setting} must be int, got {value!r}"):
        act({"projector": PROJECTOR | {setting: value}})


def test_a_whole_number_will_do_where_a_fraction_may_stand():
    built = build({"_target_": "clinimcl.losses.info_nce.InfoNCE", "temperature": 1, "symmetric": False})
    assert built.temperature == 1


def test_a_value_that_the_class_refuses_is_a_mistake_of_the_user_s():
    with pytest.raises(UserError, match=r"objective: temperature must be positive, got 0\.0"):
        build({"_target_": "clinimcl.losses.info_nce.InfoNCE", "temperature": 0.0, "symmetric": False}, "objective")


def test_a_missing_setting_is_told():
    with pytest.raises(UserError, match="missing a required argument: 'hidden'"):
        check({"projector": {name: value for name, value in PROJECTOR.items() if name != "hidden"}})


def test_a_missing_setting_of_a_part_that_python_completes_is_told():
    part = {name: value for name, value in PROJECTOR.items() if name != "hidden"} | {"_partial_": True}
    part.pop("embedding", None)
    with pytest.raises(UserError, match="projector: Projector missing a required argument: 'hidden'; it takes"):
        complete(part, "projector", {"embedding": 4})
