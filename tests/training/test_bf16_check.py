import lightning.pytorch as pl
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.cnn3d_paper import CNN3dPaper
from clinimcl.training.bf16_check import LIMIT, KeepNumbersRight, errors, keep_right


class Broken(nn.Conv3d):
    """Wrong in bf16 alone, in one number of its output, of its input's gradient or of its weights' gradient."""

    def __init__(self, where):
        super().__init__(2, 2, 3, padding=1)
        self.where = where

    def forward(self, volume):
        wrong = torch.is_autocast_enabled("cpu")
        if wrong and self.where == "input":
            volume = spoilt(volume)
        weight = spoilt(self.weight) if wrong and self.where == "weight" else self.weight
        output = self._conv_forward(volume, weight, self.bias)
        if wrong and self.where == "output":
            output[0, 0, 0, 0, 0] += 1e9
        return output


def spoilt(tensor):
    """The same numbers with another gradient."""
    return tensor + (tensor.flatten()[0] - tensor.flatten()[0].detach()) * 100


class Learner(pl.LightningModule):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def training_step(self, batch, batch_idx):
        return self.encoder(batch[0]).float().square().mean()

    def validation_step(self, batch, batch_idx):
        return self.encoder(batch[0]).float().square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)


def network(where):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 2, 3), nn.BatchNorm3d(2), Broken(where), nn.ReLU())


def volume(side=8):
    return torch.rand(2, 1, side, side, side, generator=torch.Generator().manual_seed(0))


def in_bfloat16(network, *given):
    with torch.autocast("cpu", torch.bfloat16):
        return network(*given)


def fitted(learner, folder, precision, validated=True):
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    run = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        precision=precision,
        default_root_dir=folder,
        callbacks=[KeepNumbersRight()],
        enable_model_summary=False,
        **quiet,
    )
    scans = DataLoader([(volume(),)], batch_size=None)
    run.fit(learner, scans, scans if validated else None)


@pytest.mark.parametrize("where", ["output", "input", "weight"])
def test_a_convolution_that_bf16_makes_wrong_is_named(where):
    told = keep_right(network(where), volume())
    assert told.startswith("clinimcl: in float32, since this CPU gets them wrong in bf16: the convolutions 2 (error ")


def test_it_computes_in_float32_from_then_on():
    broken = network("output")[2]
    given = torch.rand(2, 2, 8, 8, 8)
    exact = broken(given)
    assert (in_bfloat16(broken, given) - exact).abs().max() > 1e8
    keep_right(nn.Sequential(broken), given)
    torch.testing.assert_close(in_bfloat16(broken, given), exact, rtol=0, atol=0)


@pytest.mark.parametrize("encoder", [CNN3d(24, [8, 16], groups=2, embedding=4), CNN3dPaper([8, 16], embedding=4)])
def test_what_rounding_explains_is_left_alone(encoder):
    found = errors(encoder, volume(24))
    assert len(found) == 2
    assert max(found.values()) < LIMIT / 5


def test_what_is_found_does_not_depend_on_the_weights():
    found = []
    for seed in range(3):
        torch.manual_seed(seed)
        found.append(errors(CNN3dPaper([8, 16], embedding=4), volume(24)))
    assert found[0] == found[1] == found[2]


def test_the_network_stays_as_it_was():
    encoder, random = network("none"), torch.get_rng_state()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    keep_right(encoder, volume())
    assert encoder.training
    assert torch.equal(torch.get_rng_state(), random)
    torch.testing.assert_close(encoder.state_dict(), before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in encoder.parameters())


@pytest.mark.parametrize(("side", "kernel", "stride"), [(1, 3, 2), (2, 3, 1), (2, 2, 3)])
def test_gradients_that_torch_does_not_write_are_not_trained_on(side, kernel, stride):
    """Wrong on CPUs with bf16; where they are right, nothing is to be done."""
    torch.manual_seed(0)
    layer = nn.Conv3d(16, 16, kernel, stride=stride, padding=1)
    given = torch.rand(2, 16, side, side, side)
    (exact,) = torch.autograd.grad(layer(given).sum(), layer.weight)
    keep_right(nn.Sequential(layer), given)
    for _ in range(5):
        _ = [torch.full(layer.weight.shape, torch.nan, dtype=kind) for kind in (torch.float32, torch.bfloat16)]
        (half,) = torch.autograd.grad(in_bfloat16(layer, given).sum(), layer.weight)
        torch.testing.assert_close(half, exact, rtol=0.02, atol=0.02 * float(exact.abs().max()))


@pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no")
@pytest.mark.parametrize(
    ("precision", "told", "validated"), [("bf16-mixed", 1, True), ("bf16-mixed", 1, False), ("32-true", 0, True)]
)
def test_a_training_in_bf16_begins_with_the_check(precision, told, validated, tmp_path, capsys):
    learner = Learner(network("output"))
    fitted(learner, tmp_path, precision, validated)
    assert capsys.readouterr().err.count("wrong in bf16: the convolutions 2") == told
    assert ("forward" in vars(learner.encoder[2])) == bool(told)
