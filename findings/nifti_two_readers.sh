#!/bin/sh
# nibabel 5.4.2 and SimpleITK 2.5.7 read three valid NIfTI-1 headers in two ways; voxels of 2 mm.
#
# Seen, the directions toward which the stored axes run, and the size of a voxel:
#                                                    nibabel        SimpleITK
#   qform_code and sform_code 0 (method 1)           LAS, 2         LPS, 2
#   sform_code 4 (a template) RAS,                   RAS, 2         LPS, 2
#     qform_code 1 (scanner) LPS, both with an offset
#   xyzt_units: metres, an affine of 0.002           RAS, 0.002     RAS, 2
# Nothing is printed by either. A reader must not guess where no code is set, must say which of two
# affines it follows, and must convert units. (MRtrix3 3.0.3 reads RAS, RAS, and 0.002.)
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nibabel==5.4.2 numpy==2.4.6 simpleitk==2.5.7
cd "$folder"
cat > readers.py <<'PYTHON'
import sys

import nibabel
import numpy as np
import SimpleITK

voxels = np.arange(12 * 14 * 16, dtype=np.int16).reshape(12, 14, 16)
affine = np.diag([2.0, 2.0, 2.0, 1.0])
affine[:3, 3] = -10, -12, -14
neither, both = nibabel.Nifti1Image(voxels, affine), nibabel.Nifti1Image(voxels, affine)
neither.set_sform(None, 0)
neither.set_qform(None, 0)
both.set_sform(affine, 4)
both.set_qform(np.diag([-1, -1, 1, 1]) @ affine, 1)
metres = nibabel.Nifti1Image(voxels, np.diag([0.002, 0.002, 0.002, 1]))
metres.header.set_xyzt_units("meter")


def by_nibabel(path):
    affine = nibabel.load(path).affine
    size = round(float(nibabel.affines.voxel_sizes(affine)[0]), 5)
    return "".join(nibabel.aff2axcodes(affine)), size


def by_simpleitk(path):
    image = SimpleITK.ReadImage(path)
    axes = SimpleITK.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    return axes, round(image.GetSpacing()[0], 5)


expected = {
    "neither": (neither, ("LAS", 2), ("LPS", 2)),
    "both": (both, ("RAS", 2), ("LPS", 2)),
    "metres": (metres, ("RAS", 0.002), ("RAS", 2)),
}
changed = 0
for name, (image, *as_seen) in expected.items():
    nibabel.save(image, f"{name}.nii")
    read = [by_nibabel(f"{name}.nii"), by_simpleitk(f"{name}.nii")]
    print(f"{name}: nibabel {read[0]}, SimpleITK {read[1]}")
    changed += read != as_seen
sys.exit(changed > 0)
PYTHON
"$folder/venv/bin/python" readers.py
