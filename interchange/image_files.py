"""Volumes as SimpleITK, ANTsPy, surfa, pynrrd, MRtrix3 and plastimatch write them."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import nibabel as nib
import nifti_files
import numpy as np
import SimpleITK as itk
import tools
from judging import Form
from originals import Volume

ITK_NAMES = (
    *(
        "scan.nii",
        "scan.nii.gz",
        "scan.hdr",
        "scan.img.gz",
        "scan.nrrd",
        "scan.nhdr",
        "scan.mha",
        "scan.mhd",
    ),
    *("scan.gipl", "scan.vtk", "scan.tif"),
)
ITK_AXES = ("LPS", "RAS", "PSR", "AIL", "SLP")
STRIDES = ("1,2,3", "-1,2,3", "3,1,2", "-2,-3,1", "2,-1,-3")
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def forms(scan: Volume) -> Iterator[Form]:
    """Every form but those of NIfTI's own tools and DICOM."""
    yield from _simpleitk(scan)
    yield from _mrtrix(scan)
    for name in ("scan.nii", "scan.nii.gz", "scan.nrrd", "scan.mha", "scan.mhd"):
        yield Form("ants", f"image_write to {name[4:]}", partial(_ants, scan, name, "LPI"))
    for axes in ("RAI", "PIR", "ASL"):
        yield Form(
            "ants",
            f"NRRD after reorient_image2 to {axes}",
            partial(_ants, scan, "scan.nrrd", axes),
        )
    for name in ("scan.mgz", "scan.mgh", "scan.nii.gz"):
        yield Form("surfa", f"Volume.save to {name[4:]}", partial(_surfa, scan, name, "RAS"))
    for axes in ("LIA", "PSR"):
        yield Form("surfa", f"MGZ of axes {axes}", partial(_surfa, scan, "scan.mgz", axes))
    for space in ("right-anterior-superior", "left-posterior-superior", "left-anterior-superior"):
        yield Form("nrrd", f"NRRD, space {space}", partial(_pynrrd, scan, space, "gzip"))
    for encoding in ("raw", "ascii", "bzip2"):
        yield Form(
            "nrrd",
            f"NRRD, encoding {encoding}",
            partial(_pynrrd, scan, "left-posterior-superior", encoding),
        )
    for name in ("scan.nii", "scan.nii.gz", "scan.mha", "scan.mhd", "scan.nrrd"):
        yield Form("plastimatch", f"convert to {name[4:]}", partial(_plastimatch, scan, name))


def _simpleitk(scan: Volume) -> Iterator[Form]:
    image = itk_image(scan)
    for name in ITK_NAMES:
        packs = name[-4:] in ("nrrd", "nhdr", ".mha", ".mhd")
        for compressed in (False, True)[: 1 + packs]:
            form = f"WriteImage to {name[4:]}" + ", compressed" * compressed
            yield Form("SimpleITK", form, _itk_saver(image, name, compressed))
    for axes in ITK_AXES:
        turned = itk.DICOMOrient(image, axes)
        yield Form(
            "SimpleITK",
            f"NRRD after DICOMOrient to {axes}",
            _itk_saver(turned, "scan.nrrd", True),
        )
        yield Form(
            "SimpleITK",
            f"MetaImage after DICOMOrient to {axes}",
            _itk_saver(turned, "scan.mha", False),
        )
    for kind in ("uint8", "uint16", "float32", "float64"):
        most = int(scan.voxels.max()) if kind == "uint8" else 255
        levels = np.rint(scan.voxels * (255 / most)).astype(kind)
        loss = 0.003 if kind == "uint8" else None
        few = itk_image(scan._replace(voxels=levels))
        yield Form("SimpleITK", f"NRRD, {kind}", _itk_saver(few, "scan.nrrd", True), loss)
    tilted = itk.Image(image)
    cosine, sine = np.cos(np.deg2rad(12)), np.sin(np.deg2rad(12))
    tilted.SetDirection([-1, 0, 0, 0, -cosine, sine, 0, sine, cosine])
    for name in ("scan.nii.gz", "scan.nrrd", "scan.mha"):
        yield Form(
            "SimpleITK",
            f"oblique by 12 degrees, {name[4:]}",
            _itk_saver(tilted, name, True),
        )


def _mrtrix(scan: Volume) -> Iterator[Form]:
    for strides in STRIDES:
        for name in ("scan.nii.gz", "scan.mgz", "scan.img"):
            options = ("-strides", strides)
            yield Form(
                "mrtrix3",
                f"mrconvert -strides {strides}, {name[4:]}",
                partial(_mrconvert, scan, name, options),
            )
    for kind in ("uint16le", "int16be", "float32be", "float64le"):
        options = ("-datatype", kind)
        yield Form(
            "mrtrix3",
            f"mrconvert -datatype {kind}, .nii",
            partial(_mrconvert, scan, "scan.nii", options),
        )
    for name in ("scan.mgh", "scan.mif", "scan.mif.gz"):
        yield Form("mrtrix3", f"mrconvert to {name[4:]}", partial(_mrconvert, scan, name, ()))


def itk_image(scan: Volume) -> itk.Image:
    """Its voxels stay on axes to the right and front; ITK's own lead to the left and back."""
    image = itk.GetImageFromArray(scan.voxels.transpose(2, 1, 0))
    image.SetSpacing(scan.spacing)
    image.SetOrigin((RAS_TO_LPS @ scan.affine[:3, 3]).tolist())
    image.SetDirection(RAS_TO_LPS.ravel().tolist())
    return image


def nifti(scan: Volume, folder: Path, axes: str = "RAS") -> Path:
    """What tools that only convert start from."""
    (folder / "source").mkdir()
    path = folder / "source" / "original.nii"
    nib.save(nifti_files.turned(scan, axes), path)
    return path


def _itk_saver(image: itk.Image, name: str, compressed: bool) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        itk.WriteImage(image, str(folder / name), compressed)
        return folder / name

    return save


def _mrconvert(scan: Volume, name: str, options: tuple[str, ...], folder: Path) -> Path:
    tools.run("mrconvert", "-quiet", nifti(scan, folder), *options, folder / name)
    return folder / name


def _ants(scan: Volume, name: str, axes: str, folder: Path) -> Path:
    import ants

    image = ants.image_read(str(nifti(scan, folder)))
    ants.image_write(ants.reorient_image2(image, axes), str(folder / name))
    return folder / name


def _surfa(scan: Volume, name: str, axes: str, folder: Path) -> Path:
    import surfa

    surfa.load_volume(str(nifti(scan, folder, axes))).save(str(folder / name))
    return folder / name


def _pynrrd(scan: Volume, space: str, encoding: str, folder: Path) -> Path:
    import nrrd

    ahead = ("right", "anterior", "superior")
    signs = np.array([1 if word in ahead else -1 for word in space.split("-")])
    header = {
        "space": space,
        "space directions": np.diag(signs * scan.spacing),
        "space origin": signs * scan.affine[:3, 3],
        "encoding": encoding,
    }
    nrrd.write(str(folder / "scan.nrrd"), scan.voxels, header)
    return folder / "scan.nrrd"


def _plastimatch(scan: Volume, name: str, folder: Path) -> Path:
    tools.run(
        "plastimatch",
        "convert",
        "--input",
        nifti(scan, folder),
        "--output-img",
        folder / name,
    )
    return folder / name
