import functools

import lightning.pytorch as pl
import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader

from clinimcl.data.augmentation import Augmentation
from clinimcl.data.batches import PairBatch
from clinimcl.data.sampling import Sampling
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.cnn3d_paper import CNN3dPaper
from clinimcl.encoders.projector import Projector
from clinimcl.errors import UserError
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.training.gradient_cache import in_chunks, split

AUGMENTATION = Augmentation(
    rotation=5.0, shift=0.05, scale=0.0, bias=0.1, contrast=0.1, noise=0.02, same_pose_in_pair=False
)


def module(chunk, encoder=None, augmentation=None):
    torch.manual_seed(0)
    learner = ContrastivePretraining(
        encoder=encoder or CNN3d(8, channels=[4, 8], groups=2, embedding=6),
        projector=Projector(embedding=6, hidden=6, projection=4),
        objective=InfoNCE(temperature=0.1, symmetric=True),
        augmentation=augmentation,
        optimizer=functools.partial(torch.optim.SGD, lr=0.1),
        schedule=None,
        seed=0,
        chunk=chunk,
    )
    learner.log = lambda *_, **__: None
    return learner


def batch(pairs=7, side=8):
    generator = torch.Generator().manual_seed(0)
    heads = torch.rand(2, pairs, 1, side, side, side, generator=generator).half()
    return PairBatch(*heads, torch.arange(pairs) // 2, torch.ones(pairs))


def gradients(learner):
    return {name: parameter.grad for name, parameter in learner.named_parameters()}


def stepped(learner, seed=1):
    torch.manual_seed(seed)
    loss = learner.training_step(batch(), 0)
    loss.backward()
    return loss, gradients(learner)


def fitted(chunk, folder, **settings):
    """The weights after an epoch in Lightning."""
    learner = module(chunk)
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        **settings,
    )
    del learner.log
    steps = DataLoader([batch(), batch(6), batch(5), batch(4)], batch_size=None)
    trainer.fit(learner, steps, DataLoader([batch()], batch_size=None))
    return list(learner.parameters())


@pytest.mark.parametrize("chunk", [1, 3, 6, 7])
def test_loss_and_gradient_are_those_of_the_whole_batch(chunk):
    whole, chunked = stepped(module(None)), stepped(module(chunk))
    torch.testing.assert_close(chunked[0], whole[0])
    torch.testing.assert_close(chunked[1], whole[1], rtol=1e-4, atol=1e-6)


def test_one_chunk_is_augmented_as_the_whole_batch():
    whole, chunked = (stepped(module(chunk, augmentation=AUGMENTATION)) for chunk in (None, 7))
    torch.testing.assert_close(chunked, whole)


@pytest.mark.parametrize("chance", ["dropout", "augmentation"])
def test_what_is_drawn_is_drawn_again_in_backward(chance):
    encoder = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(512, 6)) if chance == "dropout" else None
    learners = [module(3, encoder, AUGMENTATION if chance == "augmentation" else None) for _ in range(2)]
    learners[1].load_state_dict(learners[0].state_dict())
    learners[1]._projection = lambda batch: torch.cat(
        [learners[1]._projected(chunk, number) for number, chunk in enumerate(split(batch, 3))], dim=1
    )
    torch.testing.assert_close(*(stepped(learner) for learner in learners), rtol=1e-4, atol=1e-6)


def test_backward_leaves_the_random_state_alone():
    learner = module(3, nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(512, 6)))
    loss = learner.training_step(batch(), 0)
    before = torch.get_rng_state()
    loss.backward()
    assert torch.equal(torch.get_rng_state(), before)


def test_chunks_in_bfloat16_have_the_gradient_of_the_batch_in_bfloat16():
    whole, chunked = (in_bfloat16(module(chunk)) for chunk in (None, 3))
    assert (chunked - whole).norm() < 0.02 * whole.norm()


def in_bfloat16(learner):
    """The gradient as mixed precision has it: backward is outside of autocast."""
    with torch.autocast("cpu", torch.bfloat16):
        loss = learner.training_step(batch(), 0)
    loss.backward()
    return torch.cat([gradient.flatten() for gradient in gradients(learner).values()])


def test_frozen_parameters_stay_without_gradient():
    learner = module(3)
    learner.encoder.blocks.requires_grad_(False)
    _, found = stepped(learner)
    assert {name for name, gradient in found.items() if gradient is None} == {
        name for name, _ in learner.named_parameters() if name.startswith("encoder.blocks")
    }


@pytest.mark.parametrize("settings", [{"gradient_clip_val": 0.01}, {"accumulate_grad_batches": 2}])
def test_lightning_clips_and_accumulates_as_without_chunks(settings, tmp_path):
    torch.testing.assert_close(fitted(3, tmp_path, **settings), fitted(None, tmp_path, **settings))


def test_memory_is_that_of_a_chunk():
    peaks = [peak(pairs, chunk) for pairs, chunk in ((4, None), (32, 4), (32, None))]
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[2] > 6 * peaks[0]


def peak(pairs, chunk):
    """Bytes that tensors of a step take at most, beside the batch."""
    learner, data = module(chunk, CNN3d(16, channels=[4, 8], groups=2, embedding=6)), batch(pairs, 16)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        learner.training_step(data, 0).backward()
    now, most = 0, 0
    for event in sorted(seen.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        now += event.nbytes() if event.name() == "[memory]" else 0
        most = max(most, now)
    return most


def test_parts_of_a_batch_are_no_copies():
    whole = batch()
    assert [len(part.subject) for part in split(whole, 3)] == [3, 3, 1]
    assert split(whole, 3)[0].anchor.data_ptr() == whole.anchor.data_ptr()


def test_an_unused_parameter_is_told():
    with pytest.raises(RuntimeError, match="not have been used"):
        in_chunks(module(3)._projected, split(batch(), 3), [nn.Parameter(torch.ones(1))]).sum().backward()


def test_batch_norm_is_refused():
    with pytest.raises(UserError, match=r"pretrain.chunk=3 cannot give .* CNN3dPaper has batch norm"):
        module(3, CNN3dPaper(channels=[4], embedding=6))


def test_instance_norm_does_not_mind():
    encoder = nn.Sequential(nn.Conv3d(1, 2, 3), nn.InstanceNorm3d(2), nn.Flatten(), nn.Linear(432, 6))
    learners = [module(None, encoder), module(3, encoder)]
    learners[1].load_state_dict(learners[0].state_dict())
    whole = stepped(learners[0])[1]
    encoder.zero_grad()
    torch.testing.assert_close(stepped(learners[1])[1], whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("chunk", [0, 9])
def test_a_chunk_that_is_no_part_of_the_batch_is_refused(chunk):
    with pytest.raises(ValueError, match=f"chunk must be from 1 to batch=8 pairs, or null, got {chunk}"):
        Sampling(batch=8, pairs_per_epoch=8, subject_share=1.0, seed=0, chunk=chunk)
