"""The slices of a DICOM series → a volume, or why they make none."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from clinimcl.preparation.formats.dicom.frames import frames_of
from clinimcl.preparation.formats.dicom.header import numbers
from clinimcl.preparation.formats.dicom.lean import (
    STRAIGHTENED,
    offsets_of,
    straight_shape,
    straight_start,
    straightened,
)
from clinimcl.preparation.formats.dicom.pixels import (
    GREY,
    inverted,
    is_inverted,
    measured_type,
    measured_values,
    padding_of,
    stored_values,
)
from clinimcl.preparation.formats.dicom.slices import Slice, describe, differing_name, slices_of
from clinimcl.preparation.formats.placing import with_grey_background
from clinimcl.preparation.formats.reading import (
    MOST_VOXELS,
    Scan,
    UnusableScan,
    check_bytes,
    check_geometry,
    toward_ras,
)

UNEVEN = 0.1  # of the usual gap between slices
MISSING = 1.5  # times the usual gap
SECTION = 3  # wide gaps one behind the other, from which on they are thicker slices, as of the upper head in CT
ONE_PLACE = 1e-3  # mm along the normal
TILT = 1e-3  # by which direction cosines of one series may differ
SPACING = 1e-3  # by which the spacing of pixels may differ, of itself
CHOICE = "give each series a folder of its own (cohort.series chooses one where cohort=adni)"
LOST = "its InstanceNumbers have a gap, so that slices may be missing at an end"


def volume_of(headers: Sequence[Any], most_bytes: int, *, grey: bool = True) -> Scan:
    """The volume whose slices are in these files, in whatever order.

    Args:
        grey: as of `toward_ras`.

    Raises:
        UnusableScan: a slice is missing, several series are mixed, or what is there is no volume.
    """
    slices = [one for header in headers for one in slices_of(header)]
    _check_series(slices)
    slices, heights = _by_height(slices)
    if len(slices) < 2:
        raise UnusableScan(f"has fewer than 2 slices, expected a DICOM series: {describe(slices)}")
    _check_gaps(heights)
    _check_counts(slices)
    affine, offsets = _affine(slices, heights), offsets_of(slices, heights)
    first = slices[0].header
    shape = (int(first.Columns), int(first.Rows), len(slices))
    straight = straight_shape(shape, offsets)
    if np.prod(straight, dtype=object) > MOST_VOXELS:
        raise UnusableScan(f"has an absurd size: {straight} voxels")
    check_geometry(affine, straight)
    kind = np.result_type(*{measured_type(one.header, *one.scale) for one in slices})
    check_bytes(math.prod(straight) * (kind.itemsize if offsets is None else 4), most_bytes)
    voxels, remarks = _voxels(slices, shape, kind), [LOST] * _has_lost_numbers(slices)
    if offsets is not None:
        voxels, of_background = with_grey_background(voxels) if grey else (voxels, "")
        voxels = straightened(voxels, offsets)
        affine[:3, 3] += affine[:3, :2] @ straight_start(offsets)
        remarks += [STRAIGHTENED, of_background]
    return toward_ras(voxels, affine, "; ".join(filter(None, remarks)), grey=grey)


def _check_series(slices: Sequence[Slice]) -> None:
    """Refuse a mixture, and say of what."""
    for name in ("SeriesInstanceUID", "Rows", "Columns", "PhotometricInterpretation"):
        values = [str(one.header.get(name)) for one in slices]
        if len(set(values)) > 1:
            raise UnusableScan(_mixture(name, slices, values))
    if len({is_inverted(one.header) for one in slices}) > 1:
        raise UnusableScan("its slices differ in PresentationLUTShape: some are inverted, and others are not")
    for name, tolerance, figures in (
        ("PixelSpacing", SPACING * slices[0].spacing.max(), [one.spacing for one in slices]),
        ("ImageOrientationPatient", TILT, [one.axes for one in slices]),
    ):
        if np.abs(np.array(figures) - figures[0]).max() > tolerance:
            raise UnusableScan(_mixture(name, slices, [str(np.round(figure, 2)) for figure in figures]))
    stacks = {one.varying.get("StackID") for one in slices}
    if len(stacks) > 1:
        raise UnusableScan(
            f"holds {len(stacks)} stacks of slices in one file, expected one volume: convert them one by one (dcm2niix)"
        )


def _mixture(name: str, slices: Sequence[Slice], keys: Sequence[str]) -> str:
    groups = {key: [one for one, own in zip(slices, keys, strict=True) if own == key] for key in keys}
    told = [describe(group) for group in sorted(groups.values(), key=len, reverse=True)[:4]]
    more = f" and {len(groups) - 4} more" if len(groups) > 4 else ""
    return f"its slices differ in {name}: several series are mixed ({'; '.join(told)}{more}); {CHOICE}"


def _by_height(slices: Sequence[Slice]) -> tuple[list[Slice], Float[np.ndarray, " slice"]]:
    """Along the normal, in mm; the same picture at the same place counts once."""
    normal = _normal(slices[0])
    ordered = sorted(slices, key=lambda one: float(one.position @ normal))
    heights = np.array([one.position @ normal for one in ordered])
    gaps = np.diff(heights)
    apart = float(np.median(gaps[gaps > ONE_PLACE])) if (gaps > ONE_PLACE).any() else 1.0
    place = np.concatenate([[0], np.cumsum(gaps >= UNEVEN * apart)])
    kept: list[int] = []
    for _, at_one_place in groupby(range(len(ordered)), key=lambda index: int(place[index])):
        first, *others = at_one_place
        for other in others:
            _check_same(ordered[first], ordered[other])
        kept.append(first)
    return [ordered[index] for index in kept], heights[kept]


def _check_same(one: Slice, other: Slice) -> None:
    apart = differing_name(one, other)
    if apart is None and one.scale == other.scale and np.abs(one.position - other.position).max() <= ONE_PLACE:
        pictures = [
            one.header.PixelData if int(one.header.NumberOfFrames) == 1 else _frame(one).tobytes()
            for one in (one, other)
        ]
        if pictures[0] == pictures[1]:
            return
    why = f", with {apart}" if apart else " with different pictures"
    raise UnusableScan(f"has two slices at one place{why}: several series are mixed; {CHOICE}")


def _frame(one: Slice) -> Shaped[np.ndarray, "row column"]:
    return next(frame for index, frame in enumerate(frames_of(one.header)) if index == one.frame).words


def _normal(one: Slice) -> Float[np.ndarray, " 3"]:
    return np.cross(one.axes[:3], one.axes[3:])


def _check_gaps(heights: Float[np.ndarray, " slice"]) -> None:
    gaps = np.diff(heights)
    usual = np.median(gaps)
    if np.abs(gaps - usual).max() <= UNEVEN * usual:
        return
    size = f"gaps between slices go from {gaps.min():.3g} to {gaps.max():.3g} mm"
    run = max((len(list(group)) for wide, group in groupby(gaps > MISSING * usual) if wide), default=0)
    if 0 < run < SECTION:
        raise UnusableScan(f"a slice is missing: {size}")
    raise UnusableScan(f"its slices do not lie evenly: {size}; resample them (dcm2niix does so with slices of CT)")


def _check_counts(slices: Sequence[Slice]) -> None:
    """Slices that are missing at an end leave no gap; some headers say how many there were.

    A count of two or three times as many may be of all echoes of an acquisition.
    """
    for name in ("NumberOfSlices", "ImagesInAcquisition"):
        announced = numbers(slices[0].header, name, 1)
        if announced is not None and announced[0] > len(slices) and announced[0] % len(slices):
            raise UnusableScan(f"slices are missing: {len(slices)} are there, and {name} announces {announced[0]:g}")


def _has_lost_numbers(slices: Sequence[Slice]) -> bool:
    """Whether the numbers of the files, which may begin again at each hundred, have a gap."""
    given = [numbers(one.header, "InstanceNumber", 1) for one in slices]
    found = sorted(int(number[0]) for number in given if number is not None)
    steps = [later - earlier for earlier, later in pairwise(found)]
    if len(found) < len(slices) or min(steps) <= 0:
        return False
    step = math.gcd(*steps)
    starts_late = found[0] > step and (found[0] - 1) % 100 != 0 and found[0] % 100 != 0
    return starts_late or max(steps) > step


def _affine(slices: Sequence[Slice], heights: Float[np.ndarray, " slice"]) -> Float[np.ndarray, "4 4"]:
    """From column, row and slice to mm in RAS; DICOM counts to the left and to the back."""
    first, normal = slices[0], _normal(slices[0])
    spacing = np.median([one.spacing for one in slices], axis=0)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = first.axes[:3] * spacing[1], first.axes[3:] * spacing[0]
    affine[:3, 2] = normal * (heights[-1] - heights[0]) / (len(slices) - 1)
    affine[:3, 3] = first.position
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _voxels(
    slices: Sequence[Slice], shape: tuple[int, int, int], kind: np.dtype[Any]
) -> Shaped[np.ndarray, "column row slice"]:
    """Padding becomes the darkest of the others: it is no signal, and no grey level of its own."""
    dark = np.max if is_inverted(slices[0].header) else np.min
    volume = np.empty((shape[1], shape[0], shape[2]), kind).swapaxes(0, 1)
    paddings: dict[int, Bool[np.ndarray, "row column"]] = {}
    darkest: list[Any] = []
    for index, picture, padding in _pictures(slices):
        volume[:, :, index] = picture.T
        if padding is not None:
            paddings[index] = padding
            picture = picture[~padding]
            darkest.extend([dark(picture)] if picture.size else [])
    if paddings and not darkest:
        raise UnusableScan("holds no signal: every pixel is padding")
    for index, padding in paddings.items():
        volume[:, :, index][padding.T] = dark(darkest)
    return inverted(volume) if is_inverted(slices[0].header) else volume


def _pictures(
    slices: Sequence[Slice],
) -> Iterator[tuple[int, Shaped[np.ndarray, "row column"], Bool[np.ndarray, "row column"] | None]]:
    """Each slice with its index; a file of many is decoded once, in its own order."""
    files: dict[int, dict[int, int]] = {}
    for index, one in enumerate(slices):
        files.setdefault(id(one.header), {})[one.frame] = index
    for wanted in files.values():
        header = slices[next(iter(wanted.values()))].header
        for number, frame in enumerate(frames_of(header)):
            if number not in wanted:
                continue
            if frame.words.ndim != 2 or frame.colours not in GREY:
                raise UnusableScan("has slices in colour, expected grey")
            values, index = stored_values(frame, header), wanted[number]
            yield index, measured_values(values, header, *slices[index].scale), padding_of(frame, values, header)
