"""Every experiment takes a step of training, on scans of noise."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from clinimcl.config.building import build, settings
from clinimcl.config.settings import TrainSettings
from clinimcl.data.batches import PairBatch, ScoredBatch
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.runs import components

CONF = Path(__file__).parent.parent / "conf"
NAMES = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
SHAPES = {"clips": (2, 32, 32), "field_of_view": (16, 16, 16), "paper": (16, 16, 16)}
SIZES = {
    "clips": ["preparation.frames=2", "preparation.side=32"],
    "field_of_view": ["preparation.grid=16"],
    "paper": ["preparation.grid=16", "preparation.stored=16"],
}


def composed(name, *overrides):
    """The settings, and the name of the preparation."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        chosen = compose("train", [f"experiment={name}"], return_hydra_config=True).hydra.runtime.choices.preparation
        given = [f"experiment={name}", "cohort.root=x", "cohort.score=age", "run=x", *SIZES[chosen], *overrides]
        plain = OmegaConf.to_container(compose("train", given), resolve=True)
    known = {key: value for key, value in plain.items() if key in TrainSettings.__dataclass_fields__}
    return settings(TrainSettings, known), chosen


def batch(module, shape):
    volumes = torch.rand(8, 1, *shape, generator=torch.Generator().manual_seed(0))
    if isinstance(module, ContrastivePretraining):
        return PairBatch(volumes[:4], volumes[4:], torch.arange(4), torch.ones(4))
    return ScoredBatch(volumes, torch.linspace(-1, 1, 8), torch.arange(8))


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_takes_a_step(name):
    given, preparation = composed(name)
    torch.manual_seed(0)
    module = components.module(given)
    module.log = lambda *_, **__: None  # which needs a trainer
    optimizer = build(given.optimizer, "optimizer")(module.parameters())
    before = [parameter.detach().clone() for parameter in module.parameters()]
    loss = module.training_step(batch(module, SHAPES[preparation]), 0)
    loss.backward()
    optimizer.step()
    assert loss.isfinite()
    assert any(not torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize("encoder", ["tsm_resnet18", "vit", "swin", "cnn3d"])
def test_every_encoder_of_frames_says_how_wide_it_is(encoder):
    given, _ = composed("lus_learner", f"encoder={encoder}", *(["encoder.grid=32"] if encoder == "cnn3d" else []))
    module = components.module(given).eval()
    if encoder != "cnn3d":
        assert module(torch.rand(2, 1, 2, 32, 32)).shape == (2, module.encoder.embedding)
    assert module.regressor.in_features == module.encoder.embedding


@pytest.mark.parametrize("objective", ["mse", "mse_cl", "mse_wcl", "mse_sup_con", "mse_y_aware", "mse_rank_n_contrast"])
def test_every_score_objective_trains_any_encoder(objective):
    given, _ = composed("adni_learner", f"objective={objective}", "projector=mlp")
    module = components.module(given)
    module.log = lambda *_, **__: None
    module.training_step(batch(module, (16, 16, 16)), 0).backward()
    assert all(parameter.grad.isfinite().all() for parameter in module.encoder.parameters())


def test_an_objective_of_the_other_pretraining_is_refused():
    given, _ = composed("adni_learner", "objective=info_nce")
    with pytest.raises(ValueError, match="does not go with pretraining"):
        components.module(given)


def test_score_pretraining_without_health_change_is_refused():
    with pytest.raises(ValueError, match="set change=three_way"):
        composed("adni_learner", "change=none")
