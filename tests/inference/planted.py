"""Scans that name a person wherever a scan can."""

import io

import nibabel as nib
import numpy as np
import pydicom

from tests.preparation.formats.dicom.test_dicom import written

TAGS = {
    "PatientName": "DOE^JANE",
    "PatientID": "MRN-4711",
    "PatientBirthDate": "19500101",
    "StudyDate": "19500101",
    "InstitutionName": "Saint Elsewhere",
    "SeriesDescription": "DOE^JANE",
    "ImageComments": "DOE^JANE",
}
SECRETS = (b"DOE^", b"DOE_JANE", b"MRN-4711", b"19500101", b"1950-01-01", b"Elsewhere")


def told(*said):
    """The secrets that are in texts or bytes, which should be none."""
    everything = b"\n".join(part.encode() if isinstance(part, str) else part for part in said)
    return [secret for secret in SECRETS if secret in everything]


def planted_nifti(voxels, spacing):
    image = nib.Nifti1Image(voxels, np.diag([spacing, spacing, spacing, 1.0]))
    image.header["descrip"], image.header["intent_name"] = b"DOE^JANE 1950-01-01", b"MRN-4711"
    image.header["db_name"], image.header["aux_file"] = b"DOE_JANE", b"DOE_JANE.dcm"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"DOE^JANE"))
    return image.to_bytes()


def damaged(content):
    """A NIfTI file with a name where its format should stand."""
    return content[:344] + b"DOE^" + content[348:]


def planted_slices(voxels, spacing):
    """A DICOM file a slice, as the NIfTI of the same voxels."""
    geometry = {"PixelSpacing": [spacing] * 2, "ImageOrientationPatient": [-1, 0, 0, 0, -1, 0]}
    places = [{"ImagePositionPatient": [0, 0, spacing * index]} for index in range(voxels.shape[2])]
    planes = [np.ascontiguousarray(voxels[:, :, index].T) for index in range(voxels.shape[2])]
    return [_named(written(plane, **geometry, **place)) for plane, place in zip(planes, places, strict=True)]


def planted_loop():
    """Frames that the header does not count, which nobody foresaw."""
    return _named(written(np.zeros((3, 10, 12), np.uint8), NumberOfFrames=None))


def _named(content):
    header = pydicom.dcmread(io.BytesIO(content))
    for name, value in TAGS.items():
        setattr(header, name, value)
    header.private_block(0x4711, "DOE^JANE", create=True).add_new(1, "LO", "MRN-4711")
    header.preamble = b"DOE^JANE".ljust(128)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    return buffer.getvalue()
