"""NIfTI, Analyze and FreeSurfer files as nibabel and NIfTI's own library write them."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import tools
from jaxtyping import Float, Num
from judging import Form
from nibabel.orientations import axcodes2ornt, ornt_transform
from originals import BLACK, Volume
from scipy import ndimage

AXES = ("RAS", "LAS", "LPS", "PSR", "AIL", "SPL", "IPR", "ASL", "RPI", "LIA", "SAR", "PIR")
TYPES = ("uint16", "int32", "float32", "float64")
LEAN = 10.0  # degrees of a sheared affine


def forms(scan: Volume) -> Iterator[Form]:
    """Every form of NIfTI and what is related to it."""
    for axes in AXES:
        yield Form(
            "nibabel",
            f"NIfTI-1, gzipped, axes {axes}",
            _saver(turned(scan, axes), "scan.nii.gz"),
        )
    for kind in TYPES:
        yield Form(
            "nibabel",
            f"NIfTI-1, {kind}",
            _saver(_image(scan, scan.voxels.astype(kind)), "scan.nii"),
        )
    yield from _headers(scan)
    yield from _scaled(scan)
    yield from _bytes(scan)
    yield from _related(scan)


def _headers(scan: Volume) -> Iterator[Form]:
    sform, qform, other, neither = (_image(scan) for _ in range(4))
    sform.set_qform(None, 0)
    qform.set_qform(scan.affine, 1)
    qform.set_sform(None, 0)
    other.set_qform(np.diag([*scan.spacing, 1.0]) @ _turn(90), 1)
    other.set_sform(scan.affine, 4)
    neither.set_sform(None, 0)
    neither.set_qform(None, 0)
    tilted = _image(scan, affine=_turn(12) @ scan.affine)
    yield Form("nibabel", "NIfTI-1, oblique by 12 degrees", _saver(tilted, "scan.nii.gz"))
    yield Form("nibabel", "NIfTI-1, sform alone", _saver(sform, "scan.nii.gz"))
    yield Form("nibabel", "NIfTI-1, qform alone", _saver(qform, "scan.nii.gz"))
    yield Form(
        "nibabel",
        "NIfTI-1, sform in a template, another qform",
        _saver(other, "scan.nii.gz"),
    )
    yield Form("nibabel", "NIfTI-1, neither sform nor qform", _saver(neither, "scan.nii.gz"))
    for unit, factor in (("meter", 1e-3), ("micron", 1e3)):
        scaled = _image(scan, affine=np.diag([factor, factor, factor, 1]) @ scan.affine)
        scaled.header.set_xyzt_units(unit)
        yield Form("nibabel", f"NIfTI-1 in units of a {unit}", _saver(scaled, "scan.nii.gz"))
    yield Form(
        "nibabel",
        f"NIfTI-1, sheared by {LEAN:g} degrees",
        _saver(_sheared(scan), "scan.nii.gz"),
        0.02,
    )
    yield Form(
        "nibabel",
        "NIfTI-1 of one time point",
        _saver(_image(scan, scan.voxels[..., None]), "scan.nii.gz"),
    )
    extended = _image(scan)
    extended.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a comment"))
    yield Form("nibabel", "NIfTI-1 with an extension", _saver(extended, "scan.nii"))


def _scaled(scan: Volume) -> Iterator[Form]:
    for kind, loss in (("uint8", 0.003), ("int16", 0.001)):
        image = _image(scan, scan.voxels.astype(np.float32) * 0.37 - 20)
        image.set_data_dtype(kind)
        yield Form(
            "nibabel",
            f"NIfTI-1, {kind} with slope and intercept",
            _saver(image, "scan.nii.gz"),
            loss,
        )
    negative = _image(scan, scan.voxels.max() - scan.voxels)
    negative.header.set_slope_inter(-1, float(scan.voxels.max()))
    yield Form("nibabel", "NIfTI-1 with a negative slope", _raw_saver(negative))
    for filler in (-2000, -32768):
        padded = scan.voxels.copy()
        padded[:BLACK] = filler
        yield Form(
            "nibabel",
            f"NIfTI-1, {filler} where nothing was scanned",
            _saver(_image(scan, padded), "scan.nii"),
        )


def _bytes(scan: Volume) -> Iterator[Form]:
    plain = _image(scan).to_bytes()
    for level in (1, 9):
        yield Form(
            "nibabel",
            f"NIfTI-1, gzip level {level}",
            _writer("scan.nii.gz", gzip.compress(plain, level)),
        )
    pieces = [plain[start : start + 2**18] for start in range(0, len(plain), 2**18)]
    members = b"".join(map(gzip.compress, pieces))
    yield Form("nibabel", "NIfTI-1, gzip of many members", _writer("scan.nii.gz", members))
    for name, content in (
        ("scan.nii", plain + bytes(512)),
        ("scan.nii.gz", gzip.compress(plain + bytes(512))),
    ):
        yield Form(
            "nibabel",
            f"NIfTI-1, bytes behind the last voxel, {name[4:]}",
            _writer(name, content),
        )
    big = nib.Nifti1Image(scan.voxels, scan.affine, nib.Nifti1Header(endianness=">"))
    yield Form("nibabel", "NIfTI-1, big endian", _saver(big, "scan.nii.gz"))
    second = nib.Nifti2Image(scan.voxels, scan.affine)
    yield Form("nibabel", "NIfTI-2", _saver(second, "scan.nii"))
    yield Form("nibabel", "NIfTI-2, gzipped", _saver(second, "scan.nii.gz"))


def _related(scan: Volume) -> Iterator[Form]:
    pair = nib.Nifti1Pair(scan.voxels, scan.affine)
    yield Form("nibabel", "NIfTI-1, a pair", _saver(pair, "scan.img"))
    yield Form("nibabel", "NIfTI-1, a pair, gzipped", _saver(pair, "scan.img.gz"))
    yield Form(
        "nibabel",
        "NIfTI-2, a pair",
        _saver(nib.Nifti2Pair(scan.voxels, scan.affine), "scan.img"),
    )
    yield Form(
        "nibabel",
        "Analyze 7.5",
        _saver(nib.AnalyzeImage(scan.voxels[::-1], None), "scan.img"),
    )
    yield Form(
        "nibabel",
        "SPM99 with its .mat",
        _saver(nib.Spm99AnalyzeImage(scan.voxels, scan.affine), "scan.img"),
    )
    for axes in ("RAS", "LIA", "PSR"):
        nifti = turned(scan, axes)
        image = nib.MGHImage(np.asarray(nifti.dataobj), nifti.affine)
        yield Form("nibabel", f"MGH, axes {axes}", _saver(image, "scan.mgh"))
        yield Form("nibabel", f"MGZ, axes {axes}", _saver(image, "scan.mgz"))
    yield Form(
        "nibabel",
        "MGZ, float32",
        _saver(nib.MGHImage(scan.voxels.astype("f4"), scan.affine), "scan.mgz"),
    )
    for name in ("scan.nii", "scan.nii.gz", "scan.hdr"):
        yield Form("nifticlib", f"NIfTI-1 by its C library, {name[4:]}", _copier(scan, name))


def _image(
    scan: Volume,
    voxels: Num[np.ndarray, "..."] | None = None,
    affine: Float[np.ndarray, "4 4"] | None = None,
) -> nib.Nifti1Image:
    voxels, affine = (
        scan.voxels if voxels is None else voxels,
        scan.affine if affine is None else affine,
    )
    return nib.Nifti1Image(voxels, affine, dtype=voxels.dtype)


def turned(scan: Volume, axes: str) -> nib.Nifti1Image:
    """The scan on other axes, its affine with it."""
    return _image(scan).as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(axes)))


def _turn(degrees: float) -> Float[np.ndarray, "4 4"]:
    """About the axis from left to right."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[1, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, 1]])


def _sheared(scan: Volume) -> nib.Nifti1Image:
    """The same head in slices that move to the front as they rise, as under a tilted gantry."""
    shear = np.eye(4)
    shear[1, 2] = np.tan(np.deg2rad(LEAN))
    affine = shear @ scan.affine
    move = np.linalg.inv(scan.affine) @ affine
    voxels = ndimage.affine_transform(scan.voxels.astype(np.float32), move, order=1)
    return _image(scan, voxels, affine)


def _saver(image: nib.spatialimages.SpatialImage, name: str) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        nib.save(image, folder / name)
        return folder / name

    return save


def _writer(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def _raw_saver(image: nib.Nifti1Image) -> Callable[[Path], Path]:
    """Header and voxels as they stand: nibabel's own saving would scale them again."""
    header = image.header.copy()
    header.set_data_offset(352)
    return _writer(
        "scan.nii",
        header.binaryblock + bytes(4) + np.asarray(image.dataobj).tobytes(order="F"),
    )


def _copier(scan: Volume, name: str) -> Callable[[Path], Path]:
    def copy(folder: Path) -> Path:
        nib.save(_image(scan), folder / "original.nii")
        tools.run(
            "nifti_tool",
            "-copy_im",
            "-infiles",
            folder / "original.nii",
            "-prefix",
            folder / name,
        )
        return folder / name

    return copy
