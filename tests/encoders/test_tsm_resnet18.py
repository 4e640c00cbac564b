import pytest
import torch

from clinimcl.encoders.tsm_resnet18 import TsmResNet18

NORM = {"weight", "bias", "running_mean", "running_var"}


def torchvision_shapes():
    """Names and shapes of torchvision's resnet18 for grey images, without `fc`."""
    shapes = {"conv1.weight": (64, 1, 7, 7), **norm("bn1", 64)}
    for stage, width in enumerate([64, 128, 256, 512], start=1):
        incoming = width if stage == 1 else width // 2
        for block, first in enumerate([incoming, width]):
            place = f"layer{stage}.{block}"
            shapes |= {f"{place}.conv1.weight": (width, first, 3, 3), **norm(f"{place}.bn1", width)}
            shapes |= {f"{place}.conv2.weight": (width, width, 3, 3), **norm(f"{place}.bn2", width)}
            if first != width:
                shapes |= {f"{place}.downsample.0.weight": (width, first, 1, 1), **norm(f"{place}.downsample.1", width)}
    return shapes


def norm(place, width):
    return {f"{place}.{name}": (width,) for name in NORM} | {f"{place}.num_batches_tracked": ()}


def encoder(shift_share):
    torch.manual_seed(0)
    return TsmResNet18(shift_share).eval()


def test_torchvision_s_parameters_fit():
    shapes = {name: tuple(value.shape) for name, value in encoder(0.125).state_dict().items()}
    assert len(shapes) == 120
    assert shapes == torchvision_shapes()


@pytest.mark.parametrize("frames", [1, 3])
def test_a_clip_of_any_length_becomes_one_embedding(frames):
    assert encoder(0.125)(torch.rand(2, 1, frames, 32, 40)).shape == (2, encoder(0.125).embedding)


def test_with_the_shift_the_order_of_frames_matters():
    clip = torch.rand(1, 1, 4, 32, 32)
    assert (encoder(0.125)(clip) - encoder(0.125)(clip[:, :, [2, 0, 3, 1]])).abs().max() > 1e-4


def test_without_the_shift_the_order_of_frames_does_not_matter():
    clip = torch.rand(1, 1, 4, 32, 32)
    torch.testing.assert_close(encoder(0.0)(clip), encoder(0.0)(clip[:, :, [2, 0, 3, 1]]))


def test_in_evaluation_a_clip_is_embedded_alike_in_any_batch():
    clips = torch.rand(3, 1, 2, 32, 32)
    torch.testing.assert_close(encoder(0.125)(clips)[:1], encoder(0.125)(clips[:1]))


def test_a_frame_alone_is_shifted_into_nothing():
    frame = torch.rand(1, 1, 1, 32, 32)
    assert (encoder(0.125)(frame) - encoder(0.0)(frame)).abs().max() > 1e-4


def test_every_parameter_is_trained():
    shifted = encoder(0.125).train()
    shifted(torch.rand(2, 1, 2, 32, 32)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in shifted.parameters())


@pytest.mark.parametrize("share", [-0.1, 0.6])
def test_a_share_that_cannot_be_taken_twice_is_refused(share):
    with pytest.raises(ValueError, match="shift_share must lie between 0 and"):
        TsmResNet18(share)
