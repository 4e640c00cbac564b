"""The shape of one brain at one time: from head coordinates to template coordinates, and the template seen there."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from clinimcl.phantoms.brain.anatomy import FIELD_SPACING, TEMPLATE_SPACING, Field, Mask, Volume, load_anatomy
from clinimcl.phantoms.brain.parameters import Identity

SQUARINGS = 3  # of a flow: 8 small steps
WHITE_MATTER_IN_TEMPLATE = 0.8


class Shape(NamedTuple):
    """Volumes are ratios to the template's; `own_seed` decides the deformation that is the subject's own."""

    size: float
    own_seed: int
    ventricles: float
    hippocampi: float
    brain: float


def anatomical_map(shape: Shape, identity: Identity) -> Field:
    """World coordinates in the template (mm) for each point of the 4 mm grid of the head at rest.

    The head's own deformation first, then the flow of atrophy backwards, so both are sampled at once by whoever
    renders. Sources: deformations from a wanted divergence, as in Karaçali & Davatzikos 2006 (IEEE TMI 25:649).
    """
    anatomy = load_anatomy()
    points = _rest_points()
    centre = np.array(anatomy.centre, np.float32)[:, None, None, None]
    own = centre + (points - centre) / np.float32(shape.size) + own_deformation(shape.own_seed, identity)
    return own + _sample(atrophy_displacement(shape), own)


@lru_cache(maxsize=2)
def own_deformation(seed: int, identity: Identity) -> Field:
    """White noise smoothed at each scale and brought to its standard deviation in mm."""
    generator = np.random.default_rng(seed)
    field = np.zeros_like(load_anatomy().flows[0])
    for smoothness, spread in zip(identity.smoothness, identity.displacement, strict=True):
        sigma = smoothness / FIELD_SPACING
        # A Gaussian filter leaves 1 / (2 sigma sqrt(pi)) of white noise's variance along each axis.
        gain = np.float32(spread * (2 * sigma * np.sqrt(np.pi)) ** 1.5)
        for axis in range(3):
            white = generator.standard_normal(field[axis].shape, dtype=np.float32)
            field[axis] += gain * ndimage.gaussian_filter(white, sigma, mode="wrap", truncate=3.0)
    return field


def atrophy_displacement(shape: Shape) -> Field:
    """Displacement in mm that pulls the template back along the flows: exp(-velocity) by scaling and squaring.

    A region that grows leaves the place where the flow diverges, so its volume grows linearly with the flow's
    amount; one that shrinks stays there and shrinks exponentially.
    """
    anatomy = load_anatomy()
    wanted = np.array([shape.ventricles - 1, np.log(shape.hippocampi), np.log(shape.brain)])
    amounts = np.linalg.solve(anatomy.response, wanted)
    velocity = np.tensordot(amounts.astype(np.float32), anatomy.flows, axes=1)
    displacement = -velocity / np.float32(2**SQUARINGS)
    points = _rest_points()
    for _ in range(SQUARINGS):
        displacement = displacement + _sample(displacement, points + displacement)
    return displacement


def warp_template(
    positions: Float[np.ndarray, "3 i j k"],
    to_rest: Float[np.ndarray, "4 4"],
    shape: tuple[int, int, int],
    region: Float[np.ndarray, "a b c"] | None = None,
) -> Volume:
    """The template (or a map on its grid) on a scan's grid; `to_rest` takes the scan's voxels to the head at rest."""
    anatomy = load_anatomy()
    image = _template(float(np.linalg.norm(to_rest[:3, 0]))) if region is None else region
    origin = np.array(anatomy.origin, np.float32)[:, None]
    to_field = to_rest[:3] - np.array([[0, 0, 0, o] for o in anatomy.origin])
    to_field = to_field / FIELD_SPACING
    head = ndimage.affine_transform(
        _head_mask(positions), to_field[:, :3], to_field[:, 3], output_shape=shape, order=0, prefilter=False
    )
    inside = np.flatnonzero(head)
    voxels = np.stack(np.unravel_index(inside, shape)).astype(np.float32)
    in_field = to_field[:, :3].astype(np.float32) @ voxels + to_field[:, 3:].astype(np.float32)
    in_template = np.stack([ndimage.map_coordinates(p, in_field, order=1, prefilter=False) for p in positions])
    volume = np.zeros(int(np.prod(shape)), np.float32)
    volume[inside] = ndimage.map_coordinates(
        image, (in_template - origin) / np.float32(TEMPLATE_SPACING), order=1, prefilter=False
    )
    return volume.reshape(shape)


def _head_mask(positions: Field) -> Mask:
    """Where on the 4 mm grid anything of the brain can appear."""
    anatomy = load_anatomy()
    origin = np.array(anatomy.origin, np.float32)[:, None, None, None]
    voxels = (positions - origin) / np.float32(TEMPLATE_SPACING)
    seen = ndimage.map_coordinates(anatomy.t1, voxels, order=1, prefilter=False) > 0
    return ndimage.binary_dilation(seen)


def _sample(field: Field, points: Field) -> Field:
    origin = np.array(load_anatomy().origin, np.float32)[:, None, None, None]
    voxels = (points - origin) / np.float32(FIELD_SPACING)
    return np.stack([ndimage.map_coordinates(f, voxels, order=1, mode="nearest", prefilter=False) for f in field])


@lru_cache(maxsize=1)
def _rest_points() -> Field:
    anatomy = load_anatomy()
    indices = np.indices(anatomy.flows.shape[2:], np.float32) * np.float32(FIELD_SPACING)
    return indices + np.array(anatomy.origin, np.float32)[:, None, None, None]


@lru_cache(maxsize=4)
def _template(spacing: float) -> Volume:
    """White matter near 1; low-passed where the scan's voxels are larger than the template's."""
    t1 = load_anatomy().t1 / np.float32(WHITE_MATTER_IN_TEMPLATE)
    width = np.sqrt(max((spacing / TEMPLATE_SPACING) ** 2 - 1, 0.0)) / 2.355
    return t1 if width < 0.05 else ndimage.gaussian_filter(t1, width) * (ndimage.gaussian_filter(t1, width) > 0.1)
