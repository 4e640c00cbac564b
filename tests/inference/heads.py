"""Heads that a small model knows."""

import nibabel as nib
import numpy as np


def head(seed, size=20):
    """A bright ball with a texture of its own, away from the border."""
    generator = np.random.default_rng(seed)
    distance = np.linalg.norm(np.stack(np.mgrid[:size, :size, :size]) - size / 2 + 0.5, axis=0)
    return np.where(distance < 0.35 * size, generator.integers(400, 900, (size,) * 3), 0).astype(np.int16)


def nifti(voxels, spacing=8.0):
    return nib.Nifti1Image(voxels, np.diag([spacing, spacing, spacing, 1.0])).to_bytes()
