"""DICOM series and enhanced files of many writers, and what dcm2niix makes of each."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from dicom_files import Stack, stack, write_series
from dicom_writers import (
    Write,
    convert_by_dcm2niix,
    convert_by_highdicom,
    convert_by_itk,
    convert_by_mrtrix,
    convert_by_plastimatch,
    recompress_by_dcmtk,
    recompress_by_gdcm,
    recompress_file_by_dcmtk,
    recompress_file_by_gdcm,
    write_enhanced_file,
    write_file_by_itk,
    write_series_by_itk,
    write_series_by_plastimatch,
)
from judging import Form
from originals import BLACK, Volume
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

DCMTK = {
    "implicit little endian": ("dcmconv", "+ti"),
    "big endian": ("dcmconv", "+tb"),
    "deflated": ("dcmconv", "+td"),
    "RLE": ("dcmcrle",),
    "JPEG lossless (.70)": ("dcmcjpeg", "+e1"),
    "JPEG lossless (.57)": ("dcmcjpeg", "+el"),
    "JPEG-LS": ("dcmcjpls", "+el"),
}
DCMTK_LOSSY = {
    "JPEG-LS, near-lossless": ("dcmcjpls", "+en"),
    "JPEG extended, 12 bits": ("dcmcjpeg", "+ee"),
}
GDCM = {
    "RLE": ("--rle",),
    "JPEG lossless": ("--jpeg",),
    "JPEG-LS": ("--jpegls",),
    "JPEG 2000": ("--j2k",),
    "explicit": ("--raw", "--explicit"),
    "implicit": ("--raw", "--implicit"),
    "deflated": ("--deflated",),
}
LOST = {  # by dcm2niix, which says so nowhere
    "series, MONOCHROME1": "it writes MONOCHROME1 as stored: a negative",
    "series, Pixel Padding Value where nothing is": "it writes padding as the brightest tissue",
}
ASKEW = np.array([[0.98, 0.17, 0.1], [-0.19, 0.97, 0.15], [-0.07, -0.17, 0.98]])


def forms(scan: Volume) -> Iterator[Form]:
    """Every form, and after each series what dcm2niix makes a NIfTI file of."""
    for form in _series(scan):
        yield form
        if form.tool != "dcm2niix":
            needs = (form.tool, *form.needs)
            yield Form(
                "dcm2niix",
                f"NIfTI of: {form.name} ({form.tool})",
                partial(convert_by_dcm2niix, form.write),
                form.loss,
                None,
                needs,
                LOST.get(form.name, ""),
            )
    base = partial(write_series, _stored(scan))
    for name in ("scan.nii.gz", "scan.mgz"):
        yield Form("mrtrix3", f"{name[4:]} of a DICOM series", partial(convert_by_mrtrix, base, name))
    for name in ("scan.nii.gz", "scan.mha"):
        yield Form(
            "plastimatch",
            f"{name[4:]} of a DICOM series",
            partial(convert_by_plastimatch, base, name),
        )
    for name in ("scan.nii.gz", "scan.nrrd"):
        yield Form("SimpleITK", f"{name[4:]} of a DICOM series", partial(convert_by_itk, base, name))


def _series(scan: Volume) -> Iterator[Form]:
    yield from _plain(scan)
    stored = _stored(scan)
    base = partial(write_series, stored)
    for name, command in DCMTK.items():
        yield Form("dcmtk", f"series, {name}", partial(recompress_by_dcmtk, base, command))
    for name, command in DCMTK_LOSSY.items():
        yield Form("dcmtk", f"series, {name}", partial(recompress_by_dcmtk, base, command), 0.01)
    for name, options in GDCM.items():
        yield Form("gdcm", f"series, {name}", partial(recompress_by_gdcm, base, options))
    yield Form(
        "gdcm",
        "series, JPEG 2000, lossy",
        partial(recompress_by_gdcm, base, ("--j2k", "--lossy", "-q", "90")),
        0.01,
    )
    signed = partial(write_series, _stored(scan, np.int16), RescaleSlope=2, RescaleIntercept=-30)
    yield Form("gdcm", "series, signed, JPEG 2000", partial(recompress_by_gdcm, signed, ("--j2k",)))
    yield Form("gdcm", "series, signed, JPEG lossless", partial(recompress_by_gdcm, signed, ("--jpeg",)))
    yield Form(
        "dcmtk",
        "series, signed, JPEG-LS",
        partial(recompress_by_dcmtk, signed, ("dcmcjpls", "+el")),
    )
    yield from _enhanced(stored)
    yield Form("SimpleITK", "series, a file a slice", partial(write_series_by_itk, scan))
    yield Form("SimpleITK", "one file of all slices", partial(write_file_by_itk, scan))
    yield Form(
        "plastimatch",
        "series by convert --output-dicom",
        partial(write_series_by_plastimatch, scan),
    )


def _plain(scan: Volume) -> Iterator[Form]:
    stored = _stored(scan)
    most = int(scan.voxels.max())
    for plane in ("axial", "coronal", "sagittal"):
        yield _pydicom(f"series, {plane}", partial(write_series, _stored(scan, plane=plane)))
    turned = stack(scan._replace(voxels=scan.voxels.astype(np.uint16)), turn=_orthonormal(ASKEW))
    yield _pydicom("series, oblique", partial(write_series, turned))
    yield _pydicom("series, implicit", partial(write_series, stored, syntax=ImplicitVRLittleEndian))
    yield _pydicom("series, big endian", partial(write_series, stored, syntax=ExplicitVRBigEndian))
    yield _pydicom("series, files without an ending", partial(write_series, stored, ending=""))
    signed = _stored(scan, np.int16)
    scaled = partial(write_series, signed, RescaleSlope=2, RescaleIntercept=-1024)
    yield _pydicom("series, signed and rescaled", scaled)
    twelve = partial(write_series, stored, BitsStored=12, HighBit=11)
    yield _pydicom("series, 12 bits of 16", twelve)
    turned_round = stored._replace(slices=(most - stored.slices).astype(np.uint16))
    yield _pydicom(
        "series, MONOCHROME1",
        partial(
            write_series,
            turned_round,
            PhotometricInterpretation="MONOCHROME1",
            BitsStored=most.bit_length(),
            HighBit=most.bit_length() - 1,
        ),
    )
    backwards = stored._replace(slices=stored.slices[::-1], positions=stored.positions[::-1])
    yield _pydicom("series, numbered from head to feet", partial(write_series, backwards))
    padded = stored.slices.copy()
    padded[:, :BLACK] = 65535
    padding = partial(write_series, stored._replace(slices=padded), PixelPaddingValue=65535)
    yield _pydicom("series, Pixel Padding Value where nothing is", padding)
    few = np.rint(scan.voxels * (255 / most)).astype(np.uint8)
    yield _pydicom("series, 8 bits", partial(write_series, stack(scan._replace(voxels=few))), 0.003)


def _enhanced(stored: Stack) -> Iterator[Form]:
    count = len(stored.slices)
    interleaved = [*range(0, count, 2), *range(1, count, 2)]
    for name, order in (
        ("in order", None),
        ("interleaved", interleaved),
        ("from head to feet", range(count)[::-1]),
    ):
        yield Form("pydicom", f"enhanced, {name}", partial(write_enhanced_file, stored, order))
    base = partial(write_enhanced_file, stored, interleaved)
    for name, options in (
        ("JPEG 2000", ("--j2k",)),
        ("RLE", ("--rle",)),
        ("JPEG lossless", ("--jpeg",)),
    ):
        yield Form("gdcm", f"enhanced, {name}", partial(recompress_file_by_gdcm, base, options))
    for name, command in (("JPEG-LS", ("dcmcjpls", "+el")), ("deflated", ("dcmconv", "+td"))):
        yield Form("dcmtk", f"enhanced, {name}", partial(recompress_file_by_dcmtk, base, command))
    yield Form(
        "highdicom",
        "enhanced, legacy converted",
        partial(convert_by_highdicom, partial(write_series, stored)),
    )


def _pydicom(name: str, write: Write, loss: float | None = None) -> Form:
    return Form("pydicom", name, lambda folder: write(folder / "series"), loss)


def _stored(scan: Volume, kind: type[np.integer] = np.uint16, plane: str = "axial") -> Stack:
    return stack(scan._replace(voxels=scan.voxels.astype(kind)), plane)


def _orthonormal(nearly: np.ndarray) -> np.ndarray:
    left, _, right = np.linalg.svd(nearly)
    return left @ right
