"""What may be wrong with a scan, at four strengths each, done to prepared arrays. Deterministic given a generator."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import ndimage
from scipy.spatial.transform import Rotation

from clinimcl.phantoms.brain.acquisition import BIAS_TERMS, bias_field

SIGMAS_A_WIDTH = 1 / np.sqrt(8 * np.log(2))  # standard deviations in the full width at half maximum of a Gaussian
Array = Float[np.ndarray, "a b c"]
Apply = Callable[[Array, float, np.random.Generator], Array]


class Perturbation(NamedTuple):
    """`apply` takes an array, one of the strengths and a generator."""

    name: str
    unit: str
    strengths: tuple[float, ...]
    apply: Apply
    meaning: str


def of_volumes(voxel: float) -> list[Perturbation]:
    """Of cubes of `voxel` mm a side, axes x, y, z; slices are thicker than a voxel, or nothing would change."""
    slices = tuple(round(voxel * factor, 1) for factor in (1.5, 2.0, 3.0, 4.0))
    return [
        Perturbation("noise", "%", (2.0, 5.0, 10.0, 20.0), rician, "Rician, of the brightest tissue"),
        Perturbation(
            "blur",
            "mm",
            (2.0, 4.0, 8.0, 12.0),
            lambda array, width, _: blurred(array, (width / voxel,) * 3),
            "Gaussian, full width at half maximum",
        ),
        Perturbation("bias field", "%", (10.0, 20.0, 40.0, 80.0), shaded, "smooth shading, largest deviation"),
        Perturbation("rotation", "°", (2.0, 5.0, 10.0, 20.0), turned, "about a random axis through the middle"),
        Perturbation(
            "thicker slices",
            "mm",
            slices,
            lambda array, thickness, _: thick_slices(array, thickness / voxel),
            "axial, averaged and interpolated",
        ),
        Perturbation(
            "motion",
            "mm",
            (1.0, 2.0, 4.0, 8.0),
            lambda array, shift, rng: moved_amid(array, shift / voxel, shift, rng),
            "one jerk during the scan, of as many degrees",
        ),
    ]


def of_clips() -> list[Perturbation]:
    """Of clips, axes frame, height, width; lengths are shares of the picture's side, since mm are not known."""
    return [
        Perturbation("noise", "%", (2.0, 5.0, 10.0, 20.0), rician, "Rician, of white"),
        Perturbation(
            "blur",
            "% of the side",
            (1.0, 2.0, 4.0, 8.0),
            lambda array, width, _: blurred(array, (0.0, *(width / 100 * array.shape[-1],) * 2)),
            "Gaussian, full width at half maximum",
        ),
        Perturbation("bias field", "%", (10.0, 20.0, 40.0, 80.0), shaded, "smooth gain, largest deviation"),
        Perturbation("rotation", "°", (2.0, 5.0, 10.0, 20.0), tilted, "of the picture, to either side"),
        Perturbation(
            "motion", "% of the side", (1.0, 2.0, 4.0, 8.0), jittered, "each frame displaced, standard deviation"
        ),
        Perturbation(
            "lower frame rate",
            "times fewer",
            (2.0, 3.0, 4.0, 8.0),
            lambda array, factor, _: slowed(array, int(factor)),
            "each kept frame stays until the next",
        ),
    ]


def rician(array: Array, percent: float, generator: np.random.Generator) -> Array:
    """Magnitude of a complex signal with noise in both parts; what is exactly 0, as outside of a mask, stays 0.

    Source: Gudbjartsson and Patz 1995, Magnetic Resonance in Medicine 34:910, eq. 1.
    """
    real, imaginary = generator.normal(scale=percent / 100, size=(2, *array.shape))
    noisy = np.hypot(array + real, imaginary)
    return np.where(array > 0, np.clip(noisy, 0, 1), 0)


def blurred(array: Array, widths: tuple[float, ...]) -> Array:
    """By a Gaussian of these full widths at half maximum, in samples."""
    return ndimage.gaussian_filter(array, [width * SIGMAS_A_WIDTH for width in widths], mode="nearest")


def shaded(array: Array, percent: float, generator: np.random.Generator) -> Array:
    """A quadratic field whose largest deviation from 1, up or down, is that many percent."""
    coefficients = tuple(generator.normal(size=BIAS_TERMS).tolist())
    exponent = np.log(bias_field(coefficients, array.shape))
    field = 1 + percent / 100 * exponent / np.abs(exponent).max()
    return np.clip(array * field, 0, 1)


def turned(array: Array, degrees: float, generator: np.random.Generator) -> Array:
    axis = generator.normal(size=3)
    matrix = Rotation.from_rotvec(np.deg2rad(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    return transformed(array, matrix, np.zeros(3))


def tilted(array: Array, degrees: float, generator: np.random.Generator) -> Array:
    """Of a clip: each frame turned in its plane."""
    side = generator.choice([-1, 1])
    return ndimage.rotate(array, side * degrees, axes=(1, 2), reshape=False, order=1)


def transformed(array: Array, matrix: Float[np.ndarray, "3 3"], shift: Float[np.ndarray, " 3"]) -> Array:
    """Turned about its middle, then shifted by samples; what comes in from outside is 0."""
    middle = (np.array(array.shape) - 1) / 2
    offset = middle - matrix.T @ (middle + shift)
    return ndimage.affine_transform(array, matrix.T, offset, order=1, mode="grid-constant")


def thick_slices(array: Array, thickness: float) -> Array:
    """Slices along the last axis, as thick as so many samples, interpolated back."""
    return array @ slice_weights(array.shape[-1], thickness).T


def slice_weights(samples: int, thickness: float) -> Float[np.ndarray, "sample sample"]:
    """Rows are samples of the result: linear interpolation between means over stretches of `thickness`."""
    edges = np.arange(samples + 1)
    count = int(np.ceil(samples / thickness))
    starts = thickness * np.arange(count)
    ends = np.minimum(starts + thickness, samples)
    overlap = np.minimum(edges[1:], ends[:, None]) - np.maximum(edges[:-1], starts[:, None])
    means = np.clip(overlap, 0, None)
    means /= means.sum(axis=1, keepdims=True)
    centres = (starts + ends) / 2
    slices = np.eye(count)
    back = np.stack([np.interp(edges[:-1] + 0.5, centres, own) for own in slices], axis=1)
    return back @ means


def moved_amid(array: Array, shift: float, degrees: float, generator: np.random.Generator) -> Array:
    """The head moves once while k-space is filled along the second axis: lines of two poses in one picture.

    Source: Shaw et al. 2019, MIDL, section 2 (k-space motion model), with one movement.
    """
    direction, axis = (own / np.linalg.norm(own) for own in generator.normal(size=(2, 3)))
    matrix = Rotation.from_rotvec(np.deg2rad(degrees) * axis).as_matrix()
    moved = transformed(array, matrix, shift * direction)
    lines = array.shape[1]
    before = np.arange(lines) < generator.uniform(0.3, 0.7) * lines
    spectra = [np.fft.fft(own, axis=1) for own in (array, moved)]
    mixed = np.where(np.fft.ifftshift(before)[None, :, None], *spectra)
    return np.clip(np.abs(np.fft.ifft(mixed, axis=1)), 0, 1).astype(array.dtype)


def jittered(array: Array, percent: float, generator: np.random.Generator) -> Array:
    """Each frame of a clip where an unsteady hand leaves it."""
    shifts = generator.normal(scale=percent / 100 * array.shape[-1], size=(len(array), 2))
    frames = zip(array, shifts, strict=True)
    return np.stack([ndimage.shift(frame, own, order=1) for frame, own in frames])


def slowed(array: Array, factor: int) -> Array:
    """Of `factor` frames, the first is kept and shown as long as all of them."""
    kept = np.arange(len(array)) // factor * factor
    return array[kept]
