"""What the scanner adds: pose, coil shading, contrast, noise, and the orientation of the stored array."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from clinimcl.phantoms.brain.parameters import Acquisition

Matrix = Float[np.ndarray, "4 4"]
Volume = Float[np.ndarray, "x y z"]

BIAS_TERMS = 9  # three linear, six quadratic
ORIENTATIONS = ("RAS", "RAS", "LAS", "RAS", "PIR", "RAS")  # stored axes, by scanner in turn


class Scanner(NamedTuple):
    """A scanner's own look; sites own scanners, sessions are made on one."""

    site: str
    name: str
    gamma: float
    bias: tuple[float, ...]
    noise: float
    orientation: str


class Pose(NamedTuple):
    """A rigid movement of the head: rotations in degrees about x, y, then z, shifts in mm, all in world axes (RAS).

    The head turns about the centre of the template's brain, then shifts.
    """

    rotation: tuple[float, float, float]
    shift: tuple[float, float, float]


def sample_scanners(generator: np.random.Generator, acquisition: Acquisition) -> list[Scanner]:
    scanners = []
    for number in range(acquisition.sites * acquisition.scanners_a_site):
        site = f"site-{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[number // acquisition.scanners_a_site]}"
        gamma = float(np.exp(generator.normal(0.0, acquisition.scanner_gamma_spread)))
        bias = tuple(generator.normal(0.0, acquisition.scanner_bias_spread, BIAS_TERMS).tolist())
        noise = float(generator.uniform(*acquisition.noise))
        orientation = ORIENTATIONS[number % len(ORIENTATIONS)]
        scanners.append(Scanner(site, f"Phantom-{number + 1}", gamma, bias, noise, orientation))
    return scanners


def sample_pose(generator: np.random.Generator, rotation: float, shift: float) -> Pose:
    """Each axis uniform within ± `rotation` degrees and ± `shift` mm."""
    about_x, about_y, about_z = generator.uniform(-rotation, rotation, 3).tolist()
    along_x, along_y, along_z = generator.uniform(-shift, shift, 3).tolist()
    return Pose((about_x, about_y, about_z), (along_x, along_y, along_z))


def pose_matrix(pose: Pose, centre: tuple[float, float, float]) -> Matrix:
    """Takes world coordinates of the head at rest (mm, RAS) to where the scan shows them."""
    x, y, z = np.deg2rad(pose.rotation)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_z @ about_y @ about_x
    matrix[:3, 3] = np.array(centre) - matrix[:3, :3] @ np.array(centre) + np.array(pose.shift)
    return matrix


def undo_pose(volume: Volume, affine: Matrix, pose: Matrix, target: Matrix) -> Volume:
    """The volume with the head moved back to rest, on a grid of the same shape with the affine `target`.

    `affine` takes voxel indices of `volume` to world mm (RAS); `pose` is the matrix of the truth file, from rest
    to scan. With `target` = `affine` the head moves inside the same field of view.
    """
    to_scan_voxels = np.linalg.inv(affine) @ pose @ target
    return ndimage.affine_transform(volume, to_scan_voxels[:3, :3], to_scan_voxels[:3, 3], order=1, prefilter=False)


def bias_field(coefficients: tuple[float, ...], shape: tuple[int, int, int]) -> Volume:
    """exp of a quadratic polynomial over a cube of [-1, 1] that spans the field of view."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in shape), indexing="ij", sparse=True)
    a, b, c, d, e, f, g, h, i = (np.float32(value) for value in coefficients)
    quadratic = d * x * x + e * y * y + f * z * z + (g * x) * y + (h * x) * z + (i * y) * z
    return np.exp(a * x + b * y + c * z + quadratic)


def acquire(volume: Volume, gamma: float, bias: tuple[float, ...], noise: float, seed: int) -> Volume:
    """Contrast curve, shading and Rician noise on a volume scaled so that white matter is near 1.

    Background stays 0, as after skull-stripping.
    """
    inside = volume > 0
    signal = volume[inside] ** gamma * bias_field(bias, volume.shape)[inside]
    generator = np.random.default_rng(seed)
    error = generator.standard_normal((2, signal.size), dtype=np.float32) * np.float32(noise)
    acquired = np.zeros_like(volume)
    acquired[inside] = np.hypot(signal + error[0], error[1])
    return acquired
