"""Inputs with the answers that they must have travel with a model: does it say the same on this machine?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from clinimcl.errors import UserError
from clinimcl.inference.onnx_networks import CLASSIFIER, ENCODER, IDENTITY, SCORE, Networks
from clinimcl.inference.runtimes import Runtime

SELFTEST = "selftest.npz"
LEAST_COSINE = 0.9999
MOST_SCORE = 0.005  # by which an estimated score may be off, as a share of the largest


def made_up(shape: Sequence[int], scans: int = 4) -> Float[np.ndarray, "scan 1 a b c"]:
    """Smooth noise in [0, 1], the same every time, and nobody's."""
    noise = np.random.default_rng(0).normal(size=(scans, 1, *shape))
    smooth = ndimage.gaussian_filter(noise, (0, 0, *(max(1.0, side / 12) for side in shape)))
    low, high = smooth.min(), smooth.max()
    return ((smooth - low) / (high - low)).astype(np.float16).astype(np.float32)


def ask(networks: Networks, seen: Float[np.ndarray, "scan 1 a b c"]) -> dict[str, np.ndarray]:
    """What each network says of the scans; the classifier of each and the one that stands opposite in their row."""
    embedding = networks.run(ENCODER, volume=seen)
    said = {ENCODER: embedding, CLASSIFIER: networks.run(CLASSIFIER, earlier=embedding, later=embedding[::-1])}
    if SCORE in networks:
        said[SCORE] = networks.run(SCORE, embedding=embedding)
    if IDENTITY in networks:
        said[IDENTITY] = networks.run(IDENTITY, volume=seen)
    return said


def write_selftest(networks: Networks, shape: Sequence[int], folder: Path) -> None:
    seen = made_up(shape)
    arrays: dict[str, Any] = {"seen": seen.astype(np.float16), **ask(networks, seen)}
    np.savez_compressed(folder / SELFTEST, **arrays)


def run_selftest(networks: Networks, folder: Path) -> tuple[float, int]:
    """The least cosine of what is said with what must be, and of how many pairs the answer differs.

    Raises:
        UserError: the file holds something else.
    """
    seen, expected = _read(folder / SELFTEST)
    said = ask(networks, seen)
    try:
        least = min(_cosine(said[name], value) for name, value in expected.items())
        if SCORE in expected and worst({SCORE: said[SCORE]}, {SCORE: expected[SCORE]}) > MOST_SCORE:
            least = -1.0  # of one number, the cosine is its sign
        return least, int((said[CLASSIFIER].argmax(axis=1) != expected[CLASSIFIER].argmax(axis=1)).sum())
    except (ValueError, KeyError) as error:
        raise _unreadable(folder / SELFTEST, error) from None


def _read(path: Path) -> tuple[Float[np.ndarray, "scan 1 a b c"], dict[str, np.ndarray]]:
    """The scans, and what each network must say of them."""
    try:
        with np.load(path, allow_pickle=False) as file:
            expected = {name: file[name] for name in file.files if name != "seen"}
            return file["seen"].astype(np.float32), expected
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} cannot be read ({type(error).__name__}): export the model again")


def check_runtime(runtime: Runtime, networks: Networks, folder: Path) -> None:
    """
    Raises:
        UserError: by this runtime, the model does not say on this machine what it must.
    """
    cosine, differ = run_selftest(networks, folder)
    if not (cosine >= LEAST_COSINE and differ == 0):
        raise UserError(
            f"runtime={runtime.name} precision={runtime.precision} fails the self-test of the model on this machine "
            f"(cosine {cosine:.5f}, at least {LEAST_COSINE} is needed; {differ} answers differ): choose another"
        )


def worst(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> float:
    """The largest difference of any number, relative to the largest of its array."""
    return max(
        float(np.abs(found[name] - value).max() / max(np.abs(value).max(), 1e-12)) for name, value in expected.items()
    )


def _cosine(found: Float[np.ndarray, "scan value"], expected: Float[np.ndarray, "scan value"]) -> float:
    """The least of any scan."""
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((found * expected).sum(axis=1) / np.maximum(lengths, 1e-12)).min())
