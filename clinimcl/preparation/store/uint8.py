"""Intensities in a byte each, where half of the store is worth more than their last bits."""

import numpy as np
from jaxtyping import Float, Float16, UInt8

STEPS = 256  # from 0 to 1, so that each is a number of float16, exactly


def packed(intensities: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """The nearest step below 1."""
    return np.clip(np.rint(intensities * np.float32(STEPS)), 0, STEPS - 1).astype(np.uint8)


def unpacked(steps: UInt8[np.ndarray, "*shape"]) -> Float16[np.ndarray, "*shape"]:
    return (np.arange(STEPS) / STEPS).astype(np.float16)[steps]
