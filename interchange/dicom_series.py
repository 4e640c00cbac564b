"""DICOM series and enhanced files of many writers, and what dcm2niix makes of each."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import image_files
import numpy as np
import SimpleITK as itk
import tools
from dicom_files import Stack, stack, write_enhanced, write_series
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
Write = Callable[[Path], Path]


def forms(scan: Volume) -> Iterator[Form]:
    """Every form, and after each series what dcm2niix makes a NIfTI file of."""
    for form in _series(scan):
        yield form
        if form.tool != "dcm2niix":
            needs = (form.tool, *form.needs)
            yield Form(
                "dcm2niix",
                f"NIfTI of: {form.name} ({form.tool})",
                partial(_nifti, form.write),
                form.loss,
                None,
                needs,
            )
    base = partial(write_series, _stored(scan))
    for name in ("scan.nii.gz", "scan.mgz"):
        yield Form("mrtrix3", f"{name[4:]} of a DICOM series", partial(_mrconvert, base, name))
    for name in ("scan.nii.gz", "scan.mha"):
        yield Form(
            "plastimatch",
            f"{name[4:]} of a DICOM series",
            partial(_plastimatch_image, base, name),
        )
    for name in ("scan.nii.gz", "scan.nrrd"):
        yield Form("SimpleITK", f"{name[4:]} of a DICOM series", partial(_itk_image, base, name))


def _series(scan: Volume) -> Iterator[Form]:
    yield from _plain(scan)
    stored = _stored(scan)
    base = partial(write_series, stored)
    for name, command in DCMTK.items():
        yield Form("dcmtk", f"series, {name}", partial(_dcmtk, base, command))
    for name, command in DCMTK_LOSSY.items():
        yield Form("dcmtk", f"series, {name}", partial(_dcmtk, base, command), 0.01)
    for name, options in GDCM.items():
        yield Form("gdcm", f"series, {name}", partial(_gdcm, base, options))
    yield Form(
        "gdcm",
        "series, JPEG 2000, lossy",
        partial(_gdcm, base, ("--j2k", "--lossy", "-q", "90")),
        0.01,
    )
    signed = partial(write_series, _stored(scan, np.int16), RescaleSlope=2, RescaleIntercept=-30)
    yield Form("gdcm", "series, signed, JPEG 2000", partial(_gdcm, signed, ("--j2k",)))
    yield Form("gdcm", "series, signed, JPEG lossless", partial(_gdcm, signed, ("--jpeg",)))
    yield Form("dcmtk", "series, signed, JPEG-LS", partial(_dcmtk, signed, ("dcmcjpls", "+el")))
    yield from _enhanced(stored)
    yield Form("SimpleITK", "series, a file a slice", partial(_itk_series, scan))
    yield Form("SimpleITK", "one file of all slices", partial(_itk_multiframe, scan))
    yield Form(
        "plastimatch",
        "series by convert --output-dicom",
        partial(_plastimatch_series, scan),
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
        yield Form("pydicom", f"enhanced, {name}", partial(_enhanced_file, stored, order))
    base = partial(_enhanced_file, stored, interleaved)
    for name, options in (
        ("JPEG 2000", ("--j2k",)),
        ("RLE", ("--rle",)),
        ("JPEG lossless", ("--jpeg",)),
    ):
        yield Form("gdcm", f"enhanced, {name}", partial(_gdcm_file, base, options))
    for name, command in (("JPEG-LS", ("dcmcjpls", "+el")), ("deflated", ("dcmconv", "+td"))):
        yield Form("dcmtk", f"enhanced, {name}", partial(_dcmtk_file, base, command))
    yield Form(
        "highdicom",
        "enhanced, legacy converted",
        partial(_highdicom, partial(write_series, stored)),
    )


def _pydicom(name: str, write: Write, loss: float | None = None) -> Form:
    return Form("pydicom", name, lambda folder: write(folder / "series"), loss)


def _stored(scan: Volume, kind: type[np.integer] = np.uint16, plane: str = "axial") -> Stack:
    return stack(scan._replace(voxels=scan.voxels.astype(kind)), plane)


def _orthonormal(nearly: np.ndarray) -> np.ndarray:
    left, _, right = np.linalg.svd(nearly)
    return left @ right


def _recompressed(write: Write, folder: Path, convert: Callable[[Path, Path], None]) -> Path:
    source, series = write(folder / "source"), folder / "series"
    series.mkdir()
    for path in sorted(source.iterdir()):
        convert(path, series / path.name)
    return series


def _dcmtk(write: Write, command: tuple[str, ...], folder: Path) -> Path:
    return _recompressed(write, folder, lambda source, target: tools.run(*command, source, target))


def _gdcm(write: Write, options: tuple[str, ...], folder: Path) -> Path:
    return _recompressed(
        write,
        folder,
        lambda source, target: tools.run("gdcmconv", *options, source, target),
    )


def _enhanced_file(stored: Stack, order: list[int] | range | None, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return write_enhanced(stored, folder / "enhanced.dcm", order)


def _gdcm_file(write: Write, options: tuple[str, ...], folder: Path) -> Path:
    tools.run("gdcmconv", *options, write(folder / "source"), folder / "scan.dcm")
    return folder / "scan.dcm"


def _dcmtk_file(write: Write, command: tuple[str, ...], folder: Path) -> Path:
    tools.run(*command, write(folder / "source"), folder / "scan.dcm")
    return folder / "scan.dcm"


def _highdicom(write: Write, folder: Path) -> Path:
    import pydicom
    from highdicom.legacy import LegacyConvertedEnhancedMRImage

    slices = [pydicom.dcmread(path) for path in sorted(write(folder / "source").iterdir())]
    whole = LegacyConvertedEnhancedMRImage(
        slices,
        series_instance_uid=pydicom.uid.generate_uid(),
        series_number=2,
        sop_instance_uid=pydicom.uid.generate_uid(),
        instance_number=1,
    )
    whole.save_as(folder / "scan.dcm")
    return folder / "scan.dcm"


def _itk_series(scan: Volume, folder: Path) -> Path:
    """As SimpleITK's example of writing a series does."""
    image = itk.DICOMOrient(itk.Cast(image_files.itk_image(scan), itk.sitkUInt16), "LPS")
    writer, series = itk.ImageFileWriter(), folder / "series"
    writer.KeepOriginalImageUIDOn()
    series.mkdir()
    shared = {
        "0008|0060": "MR",
        "0020|000e": "1.2.826.0.1.3680043.2.1125.1",
        "0008|0016": "1.2.840.10008.5.1.4.1.1.4",
    }
    shared["0020|000d"] = "1.2.826.0.1.3680043.2.1125.2"
    shared["0020|0037"] = "1\\0\\0\\0\\1\\0"
    for index in range(image.GetDepth()):
        one = image[:, :, index]
        position = "\\".join(map(str, image.TransformIndexToPhysicalPoint((0, 0, index))))
        for tag, value in {**shared, "0020|0032": position, "0020|0013": str(index + 1)}.items():
            one.SetMetaData(tag, value)
        writer.SetFileName(str(series / f"{index:04d}.dcm"))
        writer.Execute(one)
    return series


def _itk_multiframe(scan: Volume, folder: Path) -> Path:
    image = itk.DICOMOrient(itk.Cast(image_files.itk_image(scan), itk.sitkUInt16), "LPS")
    image.SetMetaData("0008|0060", "MR")
    itk.WriteImage(image, str(folder / "scan.dcm"))
    return folder / "scan.dcm"


def _plastimatch_series(scan: Volume, folder: Path) -> Path:
    source = image_files.nifti(scan, folder)
    tools.run(
        "plastimatch",
        "convert",
        "--input",
        source,
        "--output-dicom",
        folder / "series",
        "--modality",
        "MR",
    )
    return folder / "series"


def _nifti(write: Write, folder: Path) -> Path:
    for name in ("dicom", "alone", "nifti"):
        (folder / name).mkdir()
    source, alone, target = write(folder / "dicom"), folder / "alone", folder / "nifti"
    for path in source.iterdir() if source.is_dir() else (source,):
        path.rename(alone / path.name)  # away from what it was made of
    tools.run("dcm2niix", "-z", "i", "-b", "n", "-f", "scan", "-o", target, alone)
    written = sorted(target.glob("*.nii.gz"))
    if len(written) != 1:
        raise RuntimeError(f"dcm2niix wrote {len(written)} files")
    return written[0]


def _mrconvert(write: Write, name: str, folder: Path) -> Path:
    tools.run("mrconvert", "-quiet", write(folder / "source"), folder / name)
    return folder / name


def _plastimatch_image(write: Write, name: str, folder: Path) -> Path:
    tools.run(
        "plastimatch",
        "convert",
        "--input",
        write(folder / "source"),
        "--output-img",
        folder / name,
    )
    return folder / name


def _itk_image(write: Write, name: str, folder: Path) -> Path:
    reader = itk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(write(folder / "source"))))
    itk.WriteImage(reader.Execute(), str(folder / name))
    return folder / name
