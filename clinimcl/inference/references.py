"""What a scan, or two, are compared with: numbers of the training scans that travel with a model."""

from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float, Int

from clinimcl.errors import UserError
from clinimcl.inference.out_of_distribution import People, Reference

REFERENCES = "references.npz"


class Trajectories(NamedTuple):
    """Training subjects through time, on the two main axes of their embeddings."""

    mean: Float[np.ndarray, " embedding"]
    axes: Float[np.ndarray, "2 embedding"]
    person: Int[np.ndarray, " point"]  # counted from 0; in order of time
    points: Float[np.ndarray, "point 2"]

    def place(self, embedding: Float[np.ndarray, "scan embedding"]) -> Float[np.ndarray, "scan 2"]:
        return (embedding.astype(float) - self.mean) @ self.axes.T


class References(NamedTuple):
    appearance: Reference
    embedding: Reference
    trajectories: Trajectories
    people: People | None  # by the identity encoder; None where there is none


def write_references(known: References, folder: Path) -> None:
    parts = {name: own for name, own in known._asdict().items() if own is not None}
    arrays = {f"{name}.{key}": value for name, own in parts.items() for key, value in own._asdict().items()}
    np.savez_compressed(folder / REFERENCES, **arrays)


def read_references(folder: Path) -> References:
    """
    Raises:
        UserError: the file holds something else.
    """
    path = folder / REFERENCES
    try:
        with np.load(path, allow_pickle=False) as file:

            def part(name: str, kind: Any) -> Any:
                return kind(*(file[f"{name}.{key}"] for key in kind._fields))

            return References(
                part("appearance", Reference),
                part("embedding", Reference),
                part("trajectories", Trajectories),
                part("people", People) if "people.mean" in file.files else None,
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}): export the model again") from None
