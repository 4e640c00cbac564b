from dataclasses import replace

import pytest
import torch

from clinimcl.data.clip_augmentation import ClipAugmentation

NOTHING = ClipAugmentation(rotation=0.0, shift=0.0, scale=0.0, flip=False, gain=0.0, contrast=0.0, noise=0.0)
ALL = ClipAugmentation(rotation=10.0, shift=0.1, scale=0.1, flip=True, gain=0.2, contrast=0.2, noise=0.05)


def clips() -> torch.Tensor:
    return torch.rand(6, 1, 3, 8, 10, generator=torch.Generator().manual_seed(0))


def augmented(augmentation: ClipAugmentation, seed: int = 0) -> torch.Tensor:
    return augmentation.apply(clips(), augmentation.draw(clips(), torch.Generator().manual_seed(seed)))


def test_sizes_of_zero_change_nothing():
    torch.testing.assert_close(augmented(NOTHING), clips(), rtol=0, atol=1e-5)


def test_a_flip_mirrors_some_clips_and_leaves_others():
    flipped = augmented(replace(NOTHING, flip=True))
    mirrored = [torch.allclose(new, old.flip(-1), atol=1e-5) for new, old in zip(flipped, clips(), strict=True)]
    same = [torch.allclose(new, old, atol=1e-5) for new, old in zip(flipped, clips(), strict=True)]
    assert sum(mirrored) + sum(same) == 6 and 0 < sum(mirrored) < 6


def test_all_frames_of_a_clip_move_alike():
    still = clips()[:, :, :1].expand(-1, -1, 3, -1, -1)
    augmentation = replace(ALL, noise=0.0)
    moved = augmentation.apply(still, augmentation.draw(still, torch.Generator().manual_seed(0)))
    torch.testing.assert_close(moved[:, :, 0], moved[:, :, 2])  # the last bits may differ by the place in memory
    assert not torch.allclose(moved, still)


def test_the_same_generator_draws_the_same():
    assert torch.equal(augmented(ALL, 3), augmented(ALL, 3))
    assert not torch.equal(augmented(ALL, 3), augmented(ALL, 4))


def test_intensities_stay_between_0_and_1():
    assert augmented(ALL).min() >= 0 and augmented(ALL).max() <= 1


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        replace(ALL, gain=-1.0)
