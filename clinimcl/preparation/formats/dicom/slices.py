"""The headers of a DICOM series → its slices, each with its place, one or many a file."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from clinimcl.preparation.formats.dicom.header import numbers, reading
from clinimcl.preparation.formats.reading import UnusableScan

ENHANCED = {  # classes whose file is a volume, or several
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced MR",
    "1.2.840.10008.5.1.4.1.1.4.3": "enhanced MR in colour",
    "1.2.840.10008.5.1.4.1.1.4.4": "legacy converted enhanced MR",
    "1.2.840.10008.5.1.4.1.1.2.1": "enhanced CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "legacy converted enhanced CT",
    "1.2.840.10008.5.1.4.1.1.130": "enhanced PET",
    "1.2.840.10008.5.1.4.1.1.128.1": "legacy converted enhanced PET",
}
OTHER_VOLUMES = {  # whose frames lie in space, too, each in its own way
    "1.2.840.10008.5.1.4.1.1.20": "nuclear medicine",
    "1.2.840.10008.5.1.4.1.1.6.2": "enhanced ultrasound volume",
    "1.2.840.10008.5.1.4.1.1.30": "parametric map",
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.481.2": "radiotherapy dose",
}
ROUNDED = 0.01  # by which directions may be written inexactly
VARYING = {  # what tells images at one place apart, and its unit
    "EchoTime": " ms",
    "EchoNumbers": "",
    "InversionTime": " ms",
    "TemporalPositionIdentifier": "",
    "TriggerTime": " ms",
    "DiffusionBValue": " s/mm²",
    "AcquisitionNumber": "",
}


class Slice(NamedTuple):
    """One picture of a series, where it lies, and how its numbers are scaled."""

    header: Any  # of its file
    frame: int  # of that file
    position: Float[np.ndarray, " 3"]  # mm to the left, back and top: the centre of its first pixel
    axes: Float[np.ndarray, " 6"]  # directions along a row, and along a column
    spacing: Float[np.ndarray, " 2"]  # mm between rows, and between columns
    scale: tuple[float, float]  # slope, intercept
    varying: dict[str, str]  # what may tell it from another at its place


def is_enhanced(header: Any) -> bool:
    """Whether the frames of a file lie in space, each where it says."""
    if str(header.get("SOPClassUID")) in (*ENHANCED, *OTHER_VOLUMES):
        return True
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    return len(frames) > 1 and all(frame.get("PlanePositionSequence") for frame in frames)


def slices_of(header: Any) -> list[Slice]:
    """Those of one file.

    Raises:
        UnusableScan: a file of several frames does not say where they lie.
    """
    other = OTHER_VOLUMES.get(str(header.get("SOPClassUID")))
    if other:
        raise UnusableScan(f"is a DICOM {other} file, which is not read: convert it to NIfTI (dcm2niix, plastimatch)")
    if is_enhanced(header) or header.get("PerFrameFunctionalGroupsSequence"):
        with reading("the functional groups of the multi-frame DICOM file cannot be read"):
            return _frames_in_space(header)
    if int(header.NumberOfFrames) > 1 or int(header.SamplesPerPixel) > 1:
        raise UnusableScan(
            "its files have several frames or colours, expected one grey slice a file: give a loop by its own path"
        )
    if "MOSAIC" in _words(header.get("ImageType")):
        raise UnusableScan("is a mosaic, all slices side by side in one picture: convert it to NIfTI (dcm2niix)")
    position, spacing = _needed(header, "ImagePositionPatient", 3), _needed(header, "PixelSpacing", 2)
    varying = {name: _told(header[name].value) for name in VARYING if header.get(name) not in (None, "")}
    if kinds := _kinds(header):
        varying["ImageType"] = "/".join(kinds)
    scale = (float(header.RescaleSlope), float(header.RescaleIntercept))
    return [Slice(header, 0, position, _axes(header), spacing, scale, varying)]


def _frames_in_space(header: Any) -> list[Slice]:
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    if len(frames) != int(header.NumberOfFrames):
        raise UnusableScan(
            f"damaged: a multi-frame DICOM file of {header.NumberOfFrames} frames says of {len(frames)} where they lie"
        )
    if int(header.SamplesPerPixel) > 1:
        raise UnusableScan("is a multi-frame DICOM volume in colour, expected grey")
    shared = (header.get("SharedFunctionalGroupsSequence") or [None])[0]
    return [_frame_in_space(header, index, frame, shared) for index, frame in enumerate(frames)]


def _frame_in_space(header: Any, index: int, frame: Any, shared: Any) -> Slice:
    def group(name: str) -> Any:
        """Of this frame, else of all; the header itself where neither says."""
        for source in (frame, shared):
            if source is not None and source.get(name):
                return source[name].value[0]
        return header

    scale = group("PixelValueTransformationSequence")
    return Slice(
        header,
        index,
        _needed(group("PlanePositionSequence"), "ImagePositionPatient", 3),
        _axes(group("PlaneOrientationSequence")),
        _needed(group("PixelMeasuresSequence"), "PixelSpacing", 2),
        (_number(scale, "RescaleSlope", 0.0) or 1.0, _number(scale, "RescaleIntercept", 0.0)),
        _varying([frame, shared] if shared is not None else [frame]),
    )


FRAME_VARYING = {  # group and element, and what it is called of single slices
    ("MREchoSequence", "EffectiveEchoTime"): "EchoTime",
    ("MRModifierSequence", "InversionTimes"): "InversionTime",
    ("MRDiffusionSequence", "DiffusionBValue"): "DiffusionBValue",
    ("FrameContentSequence", "TemporalPositionIndex"): "TemporalPositionIdentifier",
    ("FrameContentSequence", "FrameAcquisitionNumber"): "AcquisitionNumber",
    ("FrameContentSequence", "StackID"): "StackID",
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"): "TriggerTime",
    ("MRImageFrameTypeSequence", "ComplexImageComponent"): "ComplexImageComponent",
    ("MRImageFrameTypeSequence", "FrameType"): "FrameType",
    ("CTImageFrameTypeSequence", "FrameType"): "FrameType",
}


def _varying(groups: Sequence[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for (sequence, element), name in FRAME_VARYING.items():
        for group in groups:
            if name not in found and group.get(sequence) and group[sequence].value[0].get(element) is not None:
                found[name] = _told(group[sequence].value[0][element].value)
    return found


def describe(slices: Sequence[Slice]) -> str:
    """What slices of one series are, in the standard's words alone: no text that somebody typed."""
    first = slices[0].header
    echoes = {one.varying["EchoTime"] for one in slices if "EchoTime" in one.varying}
    modality = "".join(_words(first.get("Modality"))[:1])
    parts = [
        modality if len(modality) <= 4 else "",
        *_kinds(first),
        f"{len(slices)} slices of {first.Columns} × {first.Rows}",
    ]
    echo = f", EchoTime {'/'.join(sorted(echoes))} ms" if 0 < len(echoes) <= 4 else ""
    return " ".join(part for part in parts if part) + echo


KINDS = ("LOCALIZER", "DERIVED", "MOSAIC", "PROJECTION IMAGE", "MPR", "M", "P", "R", "I", "PHASE MAP", "ADC")


def _kinds(header: Any) -> list[str]:
    return [word for word in _words(header.get("ImageType")) if word in KINDS]


def differing_name(one: Slice, other: Slice) -> str | None:
    """What tells two slices apart, with both values."""
    others = dict.fromkeys(("StackID", "ComplexImageComponent", "FrameType", "ImageType"), "")
    for name, unit in {**VARYING, **others}.items():
        values = (one.varying.get(name), other.varying.get(name))
        if None not in values and values[0] != values[1]:
            return f"{name} {values[0]} and {values[1]}{unit}"
    return None


def _told(value: Any) -> str:
    """A number or a word of the standard; of longer texts only whether they are equal."""
    values = [value] if isinstance(value, str | int | float) else list(value)
    texts = []
    for part in values:
        try:
            texts.append(f"{float(part):g}")
        except (TypeError, ValueError):
            texts.append(str(part)[:16] if str(part)[:16].replace("_", "").isalnum() else "?")
    return "/".join(texts)


def _words(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(word) for word in value]


def _number(header: Any, name: str, usual: float) -> float:
    value = numbers(header, name, 1)
    return usual if value is None else float(value[0])


def _axes(header: Any) -> Float[np.ndarray, " 6"]:
    """The directions along a row and along a column, made exactly unit and orthogonal."""
    axes = _needed(header, "ImageOrientationPatient", 6)
    row, column = axes[:3], axes[3:]
    lengths = np.linalg.norm([row, column], axis=1)
    if np.abs(lengths - 1).max() > ROUNDED or abs(row @ column) > ROUNDED:
        raise UnusableScan("damaged: the ImageOrientationPatient of a slice is no pair of directions")
    row = row / lengths[0]
    column = column - row * (row @ column)
    return np.concatenate([row, column / np.linalg.norm(column)])


def _needed(header: Any, name: str, count: int) -> Float[np.ndarray, " number"]:
    values = numbers(header, name, count)
    if values is None:
        raise UnusableScan(f"a slice has no readable {name}")
    return values
