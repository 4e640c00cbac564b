import pytest
import torch

from clinimcl.encoders.temporal_shift import temporal_shift


def plain_loop(features, frames, share):
    shifted, moved = int(features.shape[1] * share), features.clone()
    for index in range(len(features)):
        first, last = index % frames == 0, index % frames == frames - 1
        moved[index, :shifted] = 0 if last else features[index + 1, :shifted]
        moved[index, shifted : 2 * shifted] = 0 if first else features[index - 1, shifted : 2 * shifted]
    return moved


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("frames", "share"), [(1, 0.25), (2, 0.5), (3, 0.125), (6, 0.25)])
def test_the_shift_equals_a_plain_loop(frames, share, memory):
    features = torch.rand(6, 16, 3, 2).to(memory_format=memory)
    moved = temporal_shift(features, frames, share)
    torch.testing.assert_close(moved, plain_loop(features, frames, share), rtol=0, atol=0)
    assert moved.is_contiguous(memory_format=memory)


def test_the_gradient_is_that_of_the_plain_loop():
    features = torch.rand(6, 8, 2, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: temporal_shift(given, 3, 0.25), features)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_share_below_one_channel_moves_nothing(share):
    features = torch.rand(4, 8, 2, 2)
    assert temporal_shift(features, 2, share) is features


def test_the_input_stays_as_it_was():
    features = torch.rand(4, 8, 2, 2)
    before = features.clone()
    temporal_shift(features, 2, 0.25)
    assert torch.equal(features, before)
