"""The template brain, its regions, and the flows along which they shrink and grow."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from nilearn.datasets import load_mni152_gm_template, load_mni152_template, load_mni152_wm_template
from scipy import ndimage

Volume = Float[np.ndarray, "x y z"]
Mask = Bool[np.ndarray, "x y z"]
Field = Float[np.ndarray, "3 x y z"]

TEMPLATE_SPACING = 2.0
FIELD_SPACING = 4.0
PADDING = 14  # voxels of 2 mm around the template, so that flows do not meet themselves at the border
LEAST = 0.05  # below it the templates hold interpolation's dust
RIND = 0.3  # how much of the fluid that replaces lost tissue lies around the brain, beside sulci
STEP = 0.1  # of a flow, small enough for growth to be proportional
MARGIN = 10  # voxels of 2 mm kept around the brain


class Regions(NamedTuple):
    """On the template's grid; `tissue` is grey and white matter, hippocampi included.

    `outer_fluid` is the share of fluid in the sulci's voxels, and a rind around the brain.
    """

    ventricles: Mask
    hippocampi: Mask
    tissue: Mask
    cortex: Mask
    outer_fluid: Volume


class Anatomy(NamedTuple):
    """`origin` is the world position in mm of voxel (0, 0, 0), the same for template, masks and flows.

    `flows` are velocities in mm on the 4 mm grid: out of the ventricles, into the hippocampi, into the cortex.
    `response[i, j]` is the relative growth of region i (ventricles, hippocampi, tissue) a unit of flow j.
    """

    t1: Volume
    regions: Regions
    flows: Float[np.ndarray, "flow 3 x y z"]
    response: Float[np.ndarray, "region flow"]
    origin: tuple[float, float, float]
    centre: tuple[float, float, float]


@lru_cache(maxsize=1)
def load_anatomy() -> Anatomy:
    """Computed from nilearn's MNI152 templates, in about two seconds; needs no network."""
    template = load_mni152_template(resolution=2)
    t1 = _padded(template.get_fdata(dtype=np.float32))
    grey = _padded(load_mni152_gm_template(resolution=2).get_fdata(dtype=np.float32))
    white = _padded(load_mni152_wm_template(resolution=2).get_fdata(dtype=np.float32))
    origin = template.affine[:3, 3] - TEMPLATE_SPACING * PADDING
    world = (
        np.indices(t1.shape, np.float32) * np.float32(TEMPLATE_SPACING) + origin.astype(np.float32)[:, None, None, None]
    )
    regions = _regions(t1, grey, white, world)
    deep_tissue = (regions.tissue & ~regions.cortex & ~regions.hippocampi).astype(np.float32)
    hollow = (_around(regions.hippocampi, 3) & (t1 > 0)).astype(np.float32)
    box, corner = _box(t1 > 0)
    step = int(FIELD_SPACING / TEMPLATE_SPACING)
    flows = np.stack(
        [
            _flow(regions.ventricles, deep_tissue, 1.0),
            _flow(regions.hippocampi, hollow, -1.0),
            _flow(regions.cortex, regions.outer_fluid, -1.0),
        ]
    )[:, :, *box][..., ::step, ::step, ::step]
    kept = Regions(*(part[box] for part in regions))
    return Anatomy(
        t1[box],
        kept,
        flows,
        np.array([_response(flow, kept[:3]) for flow in flows]).T,
        origin=_point(origin + TEMPLATE_SPACING * np.array(corner)),
        centre=_point(world[:, t1 > 0].mean(axis=1, dtype=np.float64)),
    )


def _response(flow: Float[np.ndarray, "3 i j k"], masks: tuple[Mask, ...]) -> list[float]:
    """Growth of each region by a small step along the flow, measured by warping its mask as scans are warped."""
    voxels = np.indices(masks[0].shape, np.float32)
    in_flow = voxels * np.float32(TEMPLATE_SPACING / FIELD_SPACING)
    step = [ndimage.map_coordinates(part, in_flow, order=1, mode="nearest") for part in flow * np.float32(STEP)]
    moved = voxels - np.stack(step) / np.float32(TEMPLATE_SPACING)
    volumes = [ndimage.map_coordinates(mask.astype(np.float32), moved, order=1).sum() for mask in masks]
    return [float(np.log(volume / mask.sum())) / STEP for volume, mask in zip(volumes, masks, strict=True)]


def _box(mask: Mask) -> tuple[tuple[slice, slice, slice], tuple[int, int, int]]:
    cuts = [slice(max(s.start - MARGIN, 0), s.stop + MARGIN) for s in ndimage.find_objects(mask.astype(np.int8))[0]]
    x, y, z = cuts
    return (x, y, z), (x.start, y.start, z.start)


def _point(values: Float[np.ndarray, "3"]) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z


def _padded(volume: Volume) -> Float[np.ndarray, "_ _ _"]:
    return np.pad(np.where(volume > LEAST, volume, 0.0), PADDING)


def _regions(t1: Volume, grey: Volume, white: Volume, world: Field) -> Regions:
    x, y, z = world
    brain = t1 > 0
    depth = ndimage.distance_transform_edt(ndimage.binary_closing(brain, iterations=4)) * TEMPLATE_SPACING
    tissue = (grey + white > 0.5) & brain
    central = (np.abs(x) < 38) & (y > -52) & (y < 38) & (z > -16) & (z < 34) & (depth > 24)
    fluid, count = ndimage.label((grey + white < 0.5) & central)
    sizes = ndimage.sum_labels(np.ones_like(t1), fluid, np.arange(1, count + 1))
    ventricles = np.isin(fluid, 1 + np.flatnonzero(sizes > 40))
    # An ellipsoid along the temporal lobe at the place of the hippocampus in MNI space, within the grey matter.
    across, along, up = np.abs(x) - 27 + 0.2 * (y + 21), y + 21, z + 15 - 0.35 * (-21 - y)
    hippocampi = ((across / 8) ** 2 + (along / 18) ** 2 + (up / 7) ** 2 < 1) & (grey > 0.3)
    near = _around(hippocampi, 4) | hippocampi
    cortex = (grey > 0.4) & tissue & ~near & ~_around(ventricles, 3)
    sulci = np.where(brain & ~_around(ventricles, 3) & ~ventricles & ~near, 1 - np.minimum(grey + white, 1), 0)
    outer_fluid = np.where(_around(brain, 2), RIND, sulci).astype(np.float32)
    return Regions(ventricles, hippocampi, tissue, cortex, outer_fluid)


def _around(mask: Mask, voxels: int) -> Mask:
    return ndimage.binary_dilation(mask, iterations=voxels) & ~mask


def _flow(region: Mask, surroundings: Volume, divergence: float) -> Field:
    """The gradient of the potential whose Laplacian is `divergence` in the region and balances around it.

    Sources: displacement from a wanted divergence, Karaçali & Davatzikos 2006 (IEEE TMI 25:649).
    """
    source = region * divergence - surroundings * (divergence * region.sum() / surroundings.sum())
    source = ndimage.gaussian_filter(source.astype(np.float64), 0.5)
    frequencies = np.meshgrid(*(2 * np.pi * np.fft.fftfreq(n, TEMPLATE_SPACING) for n in source.shape), indexing="ij")
    square = sum(f**2 for f in frequencies)
    square[0, 0, 0] = 1.0
    potential = -np.fft.fftn(source) / square
    flow = [np.fft.ifftn(1j * f * potential).real for f in frequencies]
    return np.stack(flow).astype(np.float32)
