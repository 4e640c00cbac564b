"""A scan → the array that training sees: the recipe, its parameters, and the digest that keys the store."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Float16

from clinimcl.cohorts.orientation_codes import CODES
from clinimcl.preparation import alignment, geometry, intensity
from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.masks import inside
from clinimcl.preparation.store.uint8 import packed, unpacked

LATER = {"dtype": "float16", "orientation": None}  # parameters that came later, and what held before
LEAST_VIEW, FEWEST_SLICES = 60.0, 12  # mm, and voxels, along every axis: less is a localizer, or a header that lies
VERSION = 3  # raise it when the same parameters give other voxels
CHANGED = (  # why what version 2 prepared is prepared again
    "what files say of their pixels, slices, orientation, padding, frame times and aspect is followed more closely "
    "(docs/formats.md)"
)


@dataclass(frozen=True, kw_only=True)
class Pipeline(ABC):
    """Parameters of a preparation; equal parameters have an equal digest."""

    dtype: str = "float16"  # of the stored array; "uint8" takes half of the bytes, in steps of 1/256

    def __post_init__(self) -> None:
        if self.dtype not in ("float16", "uint8"):
            raise ValueError(f"dtype must be float16 or uint8, got {self.dtype}")

    @abstractmethod
    def prepare(self, decoded: Scan | Clip, mask: Scan | None = None) -> Float16[np.ndarray, "..."]:
        """Intensities in [0, 1], `rounded`: (x, y, z) of a volume, (frame, height, width) of a video.

        Raises:
            UnusableScan: with the reason.
        """

    def rounded(self, intensities: Float[np.ndarray, "..."]) -> Float16[np.ndarray, "..."]:
        """As they come back from the store."""
        if self.dtype == "uint8":
            return unpacked(packed(intensities))
        return intensities.astype(np.float16, order="C")

    def is_flat(self, intensities: Float[np.ndarray, "..."]) -> bool:
        """Whether, rounded, they are all one; numpy is quick to find the extremes of float32 alone."""
        return bool(np.ptp(self.rounded(np.array([intensities.min(), intensities.max()]))) == 0)

    @property
    def digest(self) -> str:
        return self._digest(VERSION)

    @property
    def earlier_digest(self) -> str:
        """The digest of these parameters under the rules before `CHANGED`."""
        return self._digest(VERSION - 1)

    def _digest(self, version: int) -> str:
        own = asdict(self).items()  # without what is as it always was: what was prepared then stays
        changed = {name: value for name, value in own if name not in LATER or value != LATER[name]}
        parameters = {"recipe": type(self).__name__, "version": version, **changed}
        return hashlib.sha256(json.dumps(parameters, sort_keys=True, default=list).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class VolumePipeline(Pipeline):
    """A cube of voxels from a volume."""

    grid: int  # voxels a side of the prepared cube
    spacing: Sequence[float] | None  # mm, in place of the header's
    orientation: str | None = None  # directions toward which stored axes run, where a header does not say

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.grid < 2:
            raise ValueError(f"grid must be at least 2 voxels, got {self.grid}")
        if self.orientation is not None and self.orientation not in CODES:
            raise ValueError(f"orientation must be three letters such as LAS, got {self.orientation}")

    @property
    def extent(self) -> float:
        """mm a side of the cube; where it has no scale, those of a head."""
        return 224.0

    @abstractmethod
    def cube(self, scan: Scan) -> Float[np.ndarray, "grid grid grid"]: ...

    def prepare(self, decoded: Scan | Clip, mask: Scan | None = None) -> Float16[np.ndarray, "grid grid grid"]:
        """Intensities in [0, 1] on RAS axes; voxels outside of the mask, where it is given, are 0.

        Raises:
            UnusableScan: a video, less than a head, a mask of another place, or nothing is left inside.
        """
        if isinstance(decoded, Clip):
            raise UnusableScan(
                "is a video or a still, expected a volume: preparation=clips prepares videos, and slices of a DICOM "
                "series are given as their folder, whose path ends with /"
            )
        scan = decoded if mask is None else inside(mask, decoded)
        if self.spacing is not None:
            x, y, z = self.spacing
            scan = scan._replace(spacing=(float(x), float(y), float(z)), sized=True)
        _check_view(scan)
        cube = self.cube(scan)
        if self.is_flat(cube):
            raise UnusableScan("nothing of it lies in the field of view")
        return self.rounded(cube)


def _check_view(scan: Scan) -> None:
    shape = scan.voxels.shape
    if min(shape) < FEWEST_SLICES:
        raise UnusableScan(
            f"has too few slices for a head: {' × '.join(map(str, shape))} voxels, expected at least {FEWEST_SLICES} "
            "along each axis"
        )
    view = [side * mm for side, mm in zip(shape, scan.spacing, strict=True)]
    if scan.sized and min(view) < LEAST_VIEW:
        raise UnusableScan(
            f"has too small a field of view for a head: {' × '.join(f'{side:.3g}' for side in view)} mm, expected at "
            f"least {LEAST_VIEW:g} mm along each axis; cohort.spacing replaces voxel sizes that lie"
        )


@final
@dataclass(frozen=True, kw_only=True)
class FieldOfView(VolumePipeline):
    """A fixed field of view in mm around the head, so that every scan of every subject has the same scale."""

    field_of_view: float  # mm a side
    percentile: float  # of the head's intensities, becomes 1
    align: str  # "none" or "rigid"

    @property
    def extent(self) -> float:
        return self.field_of_view

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.align not in ("none", "rigid"):
            raise ValueError(f"align must be none or rigid, got {self.align}")
        if self.field_of_view <= 0 or not 0 < self.percentile <= 100:
            raise ValueError(
                f"field_of_view must be above 0 mm and percentile between 0 and 100, got {self.field_of_view} and "
                f"{self.percentile}"
            )

    def cube(self, scan: Scan) -> Float[np.ndarray, "grid grid grid"]:
        grid, side = self.grid, self.field_of_view
        if self.align == "rigid":
            voxels = intensity.scale(scan.voxels, percentile=self.percentile)
            turn, centre = alignment.find_pose(voxels, scan.spacing)
            return geometry.resample_rigidly(
                voxels, scan.spacing, rotation=turn, centre=centre, grid=grid, field_of_view=side
            )
        levels = intensity.levels(scan.voxels, percentile=self.percentile)
        centre = geometry.head_centre(scan.voxels, scan.spacing, levels)
        return geometry.resample(scan.voxels, scan.spacing, centre=centre, grid=grid, field_of_view=side, levels=levels)


@final
@dataclass(frozen=True, kw_only=True)
class PaperCrop(VolumePipeline):
    """ClinImCL's preparation, for fidelity alone: its crop gives each scan a scale of its own.

    1 mm isotropic, intensities 0 to `most` to [0, 1], foreground crop, stretch to `stored`³, then to `grid`³, min–max.
    The published z-score before the last step is left out: min–max undoes it.

    Source: ClinImCL, sections 2.2 and 2.4.
    """

    most: float  # intensity in the file's units that becomes 1
    stored: int  # voxels a side of the first stretch

    def cube(self, scan: Scan) -> Float[np.ndarray, "grid grid grid"]:
        voxels = intensity.window(scan.voxels, most=self.most)
        if not voxels.any():
            raise UnusableScan("has no voxel above 0, expected intensities in the units of the file above 0")
        isotropic = geometry.stretch(voxels, [round(n * mm) for n, mm in zip(voxels.shape, scan.spacing, strict=True)])
        crop = isotropic[geometry.foreground_box(isotropic)]
        cube = geometry.stretch(geometry.stretch(crop, [self.stored] * 3), [self.grid] * 3)
        return (cube - cube.min()) / max(cube.max() - cube.min(), np.finfo(np.float32).tiny)
