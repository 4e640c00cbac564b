import pickle
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional

from clinimcl.encoders.pretrained import load_weights
from clinimcl.encoders.provenance import Contract, write_contract
from clinimcl.encoders.tsm_resnet18 import TsmResNet18
from clinimcl.errors import UserError

NORM = 5  # tensors of a batch norm


def network(colours, seed):
    """The first layers of a ResNet."""
    torch.manual_seed(seed)
    return nn.Sequential(OrderedDict(conv1=nn.Conv2d(colours, 4, 3, bias=False), bn1=nn.BatchNorm2d(4))).eval()


def encoder():
    return network(colours=1, seed=0)


def rgb_weights():
    """A state dict of torchvision's form."""
    return network(colours=3, seed=1).state_dict() | {"fc.weight": torch.rand(9, 4), "fc.bias": torch.rand(9)}


def saved(folder, content):
    torch.save(content, folder / "weights.pth")
    return folder / "weights.pth"


def test_torchvision_s_weights_load_whole(tmp_path):
    loaded = load_weights(encoder(), saved(tmp_path, rgb_weights()))
    assert (loaded.matched, loaded.missing, loaded.unexpected, loaded.contract) == (1 + NORM, [], [], None)


def test_the_loaded_weights_are_those_of_the_file(tmp_path):
    filled, weights = encoder(), rgb_weights() | {"bn1.bias": torch.rand(4)}
    load_weights(filled, saved(tmp_path, weights))
    torch.testing.assert_close(filled.bn1.bias, weights["bn1.bias"])


def test_a_grey_image_is_answered_as_three_copies_of_it(tmp_path):
    filled, weights, grey = encoder(), rgb_weights(), torch.rand(2, 1, 8, 8)
    load_weights(filled, saved(tmp_path, weights))
    colour = functional.conv2d(grey.expand(-1, 3, -1, -1), weights["conv1.weight"])
    torch.testing.assert_close(filled.conv1(grey), colour)


def test_a_checkpoint_of_ours_loads_by_its_encoder(tmp_path):
    own = TsmResNet18(0.125).state_dict()
    names = {f"encoder.{name}": value for name, value in own.items()} | {"projector.bias": torch.zeros(2)}
    loaded = load_weights(TsmResNet18(0.125), saved(tmp_path, {"state_dict": names, "epoch": 3}))
    assert (loaded.matched, loaded.missing, loaded.unexpected) == (120, [], [])


def test_what_does_not_match_is_said(tmp_path):
    weights = rgb_weights() | {"extra.weight": torch.zeros(1)}
    del weights["bn1.bias"]
    loaded = load_weights(encoder(), saved(tmp_path, weights))
    assert (loaded.missing, loaded.unexpected) == (["bn1.bias"], ["extra.weight"])
    assert loaded.sentence == (
        "weights: 5 tensors matched, 1 (bn1.bias) missing from the file, 1 (extra.weight) unknown to the encoder; "
        "no contract beside them says who trained them"
    )


def test_the_contract_beside_the_weights_is_read(tmp_path):
    path = saved(tmp_path, rgb_weights())
    write_contract(path, Contract("clip 8x224x224", [0.0, 1.0], ["lung"], [], "salt", "CC0"))
    loaded = load_weights(encoder(), path)
    assert loaded.contract is not None
    assert "0 subjects of lung" in loaded.sentence


def test_weights_of_other_shapes_are_refused_and_change_nothing(tmp_path):
    filled, before = encoder(), encoder().state_dict()
    path = saved(tmp_path, rgb_weights() | {"bn1.weight": torch.zeros(5)})
    with pytest.raises(UserError, match=r"bn1.weight must have the shape \(4,\) .* got \(5,"):
        load_weights(filled, path)
    assert all(torch.equal(value, before[name]) for name, value in filled.state_dict().items())


def test_weights_of_another_network_are_refused(tmp_path):
    path = saved(tmp_path, nn.Linear(2, 2).state_dict())
    with pytest.raises(UserError, match="no weights of a Sequential: expected names such as"):
        load_weights(encoder(), path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, torch.zeros(2)])
def test_a_file_without_a_state_dict_is_refused(tmp_path, content):
    with pytest.raises(UserError, match="holds no weights: expected a state dict or a checkpoint"):
        load_weights(encoder(), saved(tmp_path, content))


def test_weights_that_could_run_code_are_refused(tmp_path):
    with pytest.raises(UserError, match="loading it could run code"):
        load_weights(encoder(), saved(tmp_path, {"conv1.weight": nn.Conv2d(1, 1, 1)}))


def test_a_pickle_that_runs_code_does_not_run(tmp_path):
    class Attack:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    (tmp_path / "weights.pth").write_bytes(pickle.dumps(Attack(), protocol=2))
    with pytest.raises(UserError, match="damaged or"):
        load_weights(encoder(), tmp_path / "weights.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_damaged_file_is_refused(tmp_path, share):
    path = saved(tmp_path, rgb_weights())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UserError, match="damaged"):
        load_weights(encoder(), path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "scans.csv").write_text("subject,day,path,score\ns1,0,a.mp4,3\n")
    with pytest.raises(UserError, match="is damaged, cut short, or holds"):
        load_weights(encoder(), tmp_path / "scans.csv")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UserError, match=r"no weights at .*: expected a local file"):
        load_weights(encoder(), tmp_path / "weights.pth")
