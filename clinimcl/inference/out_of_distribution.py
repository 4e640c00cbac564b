"""Is a scan like those that trained the model?"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

COARSE = {"volume": (7, 7, 7), "clip": (1, 16, 16)}


class Reference(NamedTuple):
    """Of training scans."""

    mean: Float[np.ndarray, " value"]
    precision: Float[np.ndarray, "value value"]  # inverse of the covariance

    def distance(self, values: Float[np.ndarray, "scan value"]) -> Float[np.ndarray, " scan"]:
        """Mahalanobis, divided by the root of the number of values: about 1 for what is drawn from the same."""
        off = values.astype(float) - self.mean
        squared = ((off @ self.precision) * off).sum(axis=1)
        return np.sqrt(np.maximum(squared, 0) / values.shape[1])


class People(NamedTuple):
    """How embeddings of one person differ, beside those of different people.

    Source: the two-covariance model, Brümmer and de Villiers 2010, The speaker partitioning problem, section 2.
    """

    mean: Float[np.ndarray, " embedding"]
    own: Float[np.ndarray, "embedding embedding"]
    cross: Float[np.ndarray, "embedding embedding"]

    def ratio(
        self, first: Float[np.ndarray, "pair embedding"], second: Float[np.ndarray, "pair embedding"]
    ) -> Float[np.ndarray, " pair"]:
        """Natural logarithm of how much likelier both scans are if they are of one person, less a constant."""
        one, other = first.astype(float) - self.mean, second.astype(float) - self.mean
        squares = ((one @ self.own) * one + (other @ self.own) * other).sum(axis=1)
        return squares / 2 + ((one @ self.cross) * other).sum(axis=1)


def people(
    mean: Float[np.ndarray, " embedding"],
    between: Float[np.ndarray, "embedding embedding"],
    within: Float[np.ndarray, "embedding embedding"],
) -> People:
    """From the covariance of people around the mean, and of a person's scans around the person."""
    whole = np.linalg.inv(between + within)
    joint = np.linalg.inv(between + within - between @ whole @ between)
    return People(mean, whole - joint, whole @ between @ joint)


def appearance(prepared: Float[np.ndarray, "a b c"], kind: str) -> Float[np.ndarray, " value"]:
    """Mean intensities of a coarse grid over a prepared scan."""
    reduced = prepared.astype(np.float32)
    for axis, cells in enumerate(COARSE[kind]):
        reduced = _means(reduced, axis, min(cells, reduced.shape[axis]))
    return reduced.ravel()


def _means(values: Float[np.ndarray, "..."], axis: int, cells: int) -> Float[np.ndarray, "..."]:
    """Over `cells` stretches of an axis, as equal as they can be."""
    size = values.shape[axis]
    weights = np.zeros((cells, size), np.float32)
    for cell, row in enumerate(weights):
        row[cell * size // cells : -(-(cell + 1) * size // cells)] = 1
    weights /= weights.sum(axis=1, keepdims=True)
    return np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
