import functools

import lightning.pytorch as pl
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from clinimcl.data.batches import PairBatch
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.errors import UserError
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.training.compilation import CompileNetworks, Step


class Encoder(nn.Sequential):
    """Convolutions whose annotations no test checks at run time, which torch could not compile."""

    def __init__(self):
        super().__init__(nn.Conv3d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 6))


def module(chunk=None, fused=None):
    torch.manual_seed(0)
    return ContrastivePretraining(
        encoder=Encoder(),
        projector=nn.Sequential(nn.Linear(6, 4)),
        objective=InfoNCE(temperature=0.1, symmetric=True),
        augmentation=None,
        optimizer=functools.partial(torch.optim.AdamW, lr=1e-2, fused=fused),
        schedule=None,
        seed=0,
        chunk=chunk,
    )


def fitted(learner, folder, *callbacks, **settings):
    """The weights after two steps."""
    heads = torch.rand(2, 2, 4, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    batches = [PairBatch(*views, torch.arange(4), torch.ones(4)) for views in heads]
    run = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        gradient_clip_val=0.1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        callbacks=list(callbacks),
        **settings,
    )
    run.fit(learner, DataLoader(batches, batch_size=None), DataLoader(batches[:1], batch_size=None))
    return learner.state_dict()


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_fused_adamw_learns_what_adamw_does(precision, tmp_path):
    plain, fused = (fitted(module(fused=one), tmp_path, precision=precision) for one in (None, True))
    torch.testing.assert_close(fused, plain)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, when it first compiles
@pytest.mark.parametrize("chunk", [None, 3])
def test_a_compiled_training_has_the_weights_and_names_of_another(chunk, tmp_path):
    plain = fitted(module(chunk), tmp_path)
    learner = module(chunk)
    compiled = fitted(learner, tmp_path, CompileNetworks())
    assert learner.encoder._compiled_call_impl is not None
    torch.testing.assert_close(compiled, plain, rtol=1e-4, atol=1e-5)


def test_the_default_layout_can_be_had():
    weights = {}
    for last in (True, False):
        encoder = CNN3d(8, channels=[4, 8], groups=2, embedding=6)
        Step(channels_last=last, compile=False).lay_out(encoder)
        weights[last] = encoder.blocks[3].weight
    assert weights[True].is_contiguous(memory_format=torch.channels_last_3d)
    assert weights[False].is_contiguous()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.slow
def test_a_missing_compiler_is_told_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.compiler.reset()
    with (
        torch._inductor.config.patch({"cpp.cxx": (None, "/nowhere/g++")}),
        pytest.raises(UserError, match=r"needs a working C\+\+ compiler \(.*/nowhere.*set step.compile=false"),
    ):
        Step(channels_last=True, compile=True).check()
