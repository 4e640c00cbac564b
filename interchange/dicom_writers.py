"""DICOM files by the tools of others: recompressed, written from a volume, converted to one."""

from collections.abc import Callable
from pathlib import Path

import image_files
import SimpleITK as itk
import tools
from dicom_files import Stack, write_enhanced
from originals import Volume

Write = Callable[[Path], Path]


def _recompressed(write: Write, folder: Path, convert: Callable[[Path, Path], None]) -> Path:
    source, series = write(folder / "source"), folder / "series"
    series.mkdir()
    for path in sorted(source.iterdir()):
        convert(path, series / path.name)
    return series


def recompress_by_dcmtk(write: Write, command: tuple[str, ...], folder: Path) -> Path:
    return _recompressed(write, folder, lambda source, target: tools.run(*command, source, target))


def recompress_by_gdcm(write: Write, options: tuple[str, ...], folder: Path) -> Path:
    return _recompressed(
        write,
        folder,
        lambda source, target: tools.run("gdcmconv", *options, source, target),
    )


def write_enhanced_file(stored: Stack, order: list[int] | range | None, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return write_enhanced(stored, folder / "enhanced.dcm", order)


def recompress_file_by_gdcm(write: Write, options: tuple[str, ...], folder: Path) -> Path:
    tools.run("gdcmconv", *options, write(folder / "source"), folder / "scan.dcm")
    return folder / "scan.dcm"


def recompress_file_by_dcmtk(write: Write, command: tuple[str, ...], folder: Path) -> Path:
    tools.run(*command, write(folder / "source"), folder / "scan.dcm")
    return folder / "scan.dcm"


def convert_by_highdicom(write: Write, folder: Path) -> Path:
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


def write_series_by_itk(scan: Volume, folder: Path) -> Path:
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


def write_file_by_itk(scan: Volume, folder: Path) -> Path:
    image = itk.DICOMOrient(itk.Cast(image_files.itk_image(scan), itk.sitkUInt16), "LPS")
    image.SetMetaData("0008|0060", "MR")
    itk.WriteImage(image, str(folder / "scan.dcm"))
    return folder / "scan.dcm"


def write_series_by_plastimatch(scan: Volume, folder: Path) -> Path:
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


def convert_by_dcm2niix(write: Write, folder: Path) -> Path:
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


def convert_by_mrtrix(write: Write, name: str, folder: Path) -> Path:
    tools.run("mrconvert", "-quiet", write(folder / "source"), folder / name)
    return folder / name


def convert_by_plastimatch(write: Write, name: str, folder: Path) -> Path:
    tools.run(
        "plastimatch",
        "convert",
        "--input",
        write(folder / "source"),
        "--output-img",
        folder / name,
    )
    return folder / name


def convert_by_itk(write: Write, name: str, folder: Path) -> Path:
    reader = itk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(write(folder / "source"))))
    itk.WriteImage(reader.Execute(), str(folder / name))
    return folder / name
