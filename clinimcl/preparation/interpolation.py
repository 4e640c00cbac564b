"""What each sample along an axis gives to each of the samples wanted, and the bands in which that is not nothing."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32


class Band(NamedTuple):
    """Neighbouring targets, the samples at which they look, and the weights between them."""

    targets: slice
    samples: slice
    weights: Float32[np.ndarray, "target sample"]


def triangle_weights(
    size: int, spacing: float, centre: float, grid: int, field_of_view: float
) -> Float32[np.ndarray, "grid size"]:
    """What each of `size` samples gives to each of `grid` new ones; beyond the samples is 0."""
    step = field_of_view / grid
    targets = centre + (np.arange(grid) - (grid - 1) / 2) * step
    width = max(step, spacing)
    before = max(0, int(np.ceil((width - targets[0]) / spacing)))  # the scan's lattice goes on past its edges
    behind = max(0, int(np.ceil((targets[-1] + width) / spacing)) + 1 - size)
    lattice = np.arange(-before, size + behind) * spacing
    weights = np.clip(1 - np.abs(targets[:, None] - lattice) / width, 0, None)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return weights[:, before : before + size].astype(np.float32)


def span(weights: Float32[np.ndarray, "target sample"]) -> slice:
    """The samples that have a weight."""
    found = np.flatnonzero(weights.any(axis=0))
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)


def bands(weights: Float32[np.ndarray, "target sample"], width: int) -> list[Band]:
    """`width` targets at a time; where they look at nothing, there are no samples."""
    parts = [slice(start, start + width) for start in range(0, len(weights), width)]
    spans = [span(weights[part]) for part in parts]
    return [
        Band(part, samples, np.ascontiguousarray(weights[part, samples]))
        for part, samples in zip(parts, spans, strict=True)
    ]
