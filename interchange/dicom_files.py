"""DICOM files as pydicom writes them: a series, an enhanced file. Other tools recompress them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num
from originals import Volume
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    MRImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

PLANES = {
    "axial": (0, 1, 2),
    "coronal": (0, 2, 1),
    "sagittal": (1, 2, 0),
}  # axes of columns, rows and slices in LPS


class Stack(NamedTuple):
    """Slices as DICOM holds them, and where they lie, in mm to the left, back and up."""

    slices: Num[np.ndarray, "slice row column"]
    axes: Float[np.ndarray, "2 3"]  # direction along a row, direction along a column
    positions: Float[np.ndarray, "slice 3"]
    spacing: tuple[float, float]  # of rows, of columns
    thickness: float


def stack(
    scan: Volume,
    plane: str = "axial",
    turn: Float[np.ndarray, "3 3"] | None = None,
) -> Stack:
    """The scan cut along a plane; `turn`: how the patient lay askew."""
    column, row, depth = PLANES[plane]
    voxels = scan.voxels[::-1, ::-1]
    if plane != "axial":
        voxels = voxels[:, :, ::-1]  # rows go down
    spacing = np.array(scan.spacing)
    axes = np.eye(3)
    if plane != "axial":
        axes[2, 2] = -1
    turn = np.eye(3) if turn is None else turn
    first = -(np.array(voxels.shape) - 1) / 2 * spacing @ axes
    steps = np.arange(voxels.shape[depth])[:, None] * spacing[depth] * axes[depth]
    return Stack(
        np.ascontiguousarray(voxels.transpose(depth, row, column)),
        axes[[column, row]] @ turn.T,
        (first + steps) @ turn.T,
        (float(spacing[row]), float(spacing[column])),
        float(spacing[depth]),
    )


def write_series(
    cut: Stack,
    folder: Path,
    syntax: UID = ExplicitVRLittleEndian,
    ending: str = ".dcm",
    **attributes: object,
) -> Path:
    """A file a slice; `attributes` take the place of the usual ones."""
    folder.mkdir(parents=True, exist_ok=True)
    study, series, frame = (generate_uid() for _ in range(3))
    for index, (pixels, position) in enumerate(zip(cut.slices, cut.positions, strict=True)):
        slice_ = grey(pixels, MRImageStorage, syntax)
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.FrameOfReferenceUID = (
            study,
            series,
            frame,
        )
        slice_.InstanceNumber, slice_.SliceThickness, slice_.SpacingBetweenSlices = (
            index + 1,
            cut.thickness,
            cut.thickness,
        )
        slice_.PixelSpacing = list(cut.spacing)
        slice_.ImageOrientationPatient = _decimal(cut.axes)
        slice_.ImagePositionPatient = _decimal(position)
        for name, value in attributes.items():
            setattr(slice_, name, value)
        save(slice_, folder / f"{index:04d}{ending}")
    return folder


def write_enhanced(cut: Stack, path: Path, order: Sequence[int] | None = None) -> Path:
    """One file; `order`: of the slices from frame to frame, as where a scanner interleaves."""
    order = range(len(cut.slices)) if order is None else order
    whole = grey(cut.slices[list(order)], EnhancedMRImageStorage, ExplicitVRLittleEndian)
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(whole, name, generate_uid())
    whole.InstanceNumber, whole.NumberOfFrames = 1, len(cut.slices)
    whole.SharedFunctionalGroupsSequence = [_shared(cut)]
    whole.PerFrameFunctionalGroupsSequence = [_frame(cut, index) for index in order]
    save(whole, path)
    return path


def grey(pixels: Num[np.ndarray, "..."], kind: UID, syntax: UID) -> Dataset:
    """A data set of grey pixels without anybody's name."""
    whole, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = syntax, kind
    meta.MediaStorageSOPInstanceUID = generate_uid()
    whole.file_meta, whole.SOPClassUID, whole.SOPInstanceUID = (
        meta,
        kind,
        meta.MediaStorageSOPInstanceUID,
    )
    whole.Modality = "US" if kind == UltrasoundMultiFrameImageStorage else "MR"
    whole.ImageType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
    for name in (
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "ReferringPhysicianName",
        "Laterality",
    ):
        setattr(whole, name, "")
    for name in ("PatientName", "PatientID", "StudyID", "SeriesDescription", "Manufacturer"):
        setattr(whole, name, "original")
    whole.StudyDate, whole.StudyTime = "20000101", "120000"
    whole.SeriesNumber, whole.ScanningSequence, whole.SequenceVariant, whole.MRAcquisitionType = (
        1,
        "GR",
        "NONE",
        "3D",
    )
    whole.SamplesPerPixel, whole.PhotometricInterpretation = 1, "MONOCHROME2"
    whole.Rows, whole.Columns = pixels.shape[-2:]
    bits = 8 * pixels.dtype.itemsize
    whole.BitsAllocated, whole.BitsStored, whole.HighBit = bits, bits, bits - 1
    whole.PixelRepresentation = int(pixels.dtype.kind == "i")
    kept = pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    whole.PixelData = pixels.astype(kept).tobytes()
    whole["PixelData"].VR = "OB" if bits == 8 else "OW"
    return whole


def save(whole: Dataset, path: Path) -> None:
    whole.save_as(path, enforce_file_format=True)


def _shared(cut: Stack) -> Dataset:
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = list(cut.spacing), cut.thickness
    measures.SpacingBetweenSlices = cut.thickness
    orientation.ImageOrientationPatient = _decimal(cut.axes)
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    return shared


def _frame(cut: Stack, index: int) -> Dataset:
    place, content, frame = Dataset(), Dataset(), Dataset()
    place.ImagePositionPatient = _decimal(cut.positions[index])
    content.StackID, content.InStackPositionNumber, content.DimensionIndexValues = (
        "1",
        index + 1,
        [1, index + 1],
    )
    frame.PlanePositionSequence, frame.FrameContentSequence = [place], [content]
    return frame


def _decimal(values: Float[np.ndarray, "..."]) -> list[str]:
    return [f"{value:.8g}" for value in values.ravel() + 0.0]
