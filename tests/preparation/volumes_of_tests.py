"""A head that every volume format can hold, and what it is once prepared."""

import nibabel as nib
import numpy as np

from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.scan_files import fetch_scan

SIZES = (9.0, 8.0, 10.0)  # mm
PIPELINE = FieldOfView(grid=16, spacing=None, field_of_view=192.0, percentile=99.5, align="none")


def head_voxels(shape=(18, 21, 15)):
    """Shells with noise, brighter toward the right front, so that no two of the 48 ways to lie are alike; RAS."""
    places = [(np.arange(side) - (side - 1) / 2) * mm for side, mm in zip(shape, SIZES, strict=True)]
    x, y, z = np.meshgrid(*places, indexing="ij")
    distance = np.sqrt((x / 62) ** 2 + (y / 70) ** 2 + (z / 58) ** 2)
    tissue = np.select([distance < 0.6, distance < 0.85, distance < 1], [900, 600, 300], 0)
    tissue[(x - 25) ** 2 + (y - 35) ** 2 + (z - 15) ** 2 < 18**2] = 1200
    noise = np.random.default_rng(0).normal(0, 12, shape)
    return np.clip(tissue + noise * (tissue > 0) + np.abs(noise) / 3, 0, None).astype(np.int16)


def head_affine(shape=(18, 21, 15)):
    affine = np.diag([*SIZES, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * SIZES
    return affine


HEAD, AFFINE = head_voxels(), head_affine()
IMAGE = nib.Nifti1Image(HEAD, AFFINE)
PREPARED = PIPELINE.prepare(decode("x.nii", [IMAGE.to_bytes()])).astype(float)


def stored(code):
    """The head stored along axes of that code."""
    orientations = nib.orientations
    axes = orientations.axcodes2ornt("RAS"), orientations.axcodes2ornt(tuple(code))
    return IMAGE.as_reoriented(orientations.ornt_transform(*axes))


def patched(image=IMAGE, **fields):
    """The file with fields of its header overwritten."""
    content, header = bytearray(image.to_bytes()), image.header
    size = header.template_dtype.itemsize
    raw = type(header)(bytes(content[:size]), check=False)
    for name, value in fields.items():
        raw[name] = value
    content[:size] = raw.binaryblock
    return bytes(content)


def difference(raw, name="x.nii", orientation=None):
    """From the head as it is prepared, at most."""
    scan = decode(name, raw if isinstance(raw, list) else [raw], orientation=orientation)
    return np.abs(PIPELINE.prepare(scan).astype(float) - PREPARED).max()


def difference_of_file(path, orientation=None):
    return difference(fetch_scan(str(path)), str(path), orientation)
