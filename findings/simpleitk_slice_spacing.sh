#!/bin/sh
# SimpleITK 2.5.7 writes a volume slice by slice, as its own example of a DICOM series does, at 3 mm
# from slice to slice. Each slice is told its position, Slice Thickness 3 and Spacing Between Slices 3,
# and all are told one Study and one Series Instance UID.
#
# Seen: every file holds Spacing Between Slices (0018,0088) "1", in place of the 3 that it was told, and a
# Study Time (0008,0030) of its own, the moment at which it was written. Image Position (Patient) is right.
# dcm2niix 1.0.20260724 goes by Study Time, and makes several volumes of the one series.
# A reader must take the step from the positions, and series from their UID alone.
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dcm2niix==1.0.20260724 pydicom==3.0.2 simpleitk==2.5.7
cd "$folder"
cat > write.py <<'PYTHON'
import subprocess
import sys
import time
from pathlib import Path

import pydicom
import SimpleITK

image = SimpleITK.Image([16, 16, 8], SimpleITK.sitkUInt16)
image.SetSpacing((1.0, 1.0, 3.0))
writer = SimpleITK.ImageFileWriter()
writer.KeepOriginalImageUIDOn()
Path("dicom").mkdir()
for index in range(8):
    one = image[:, :, index] + 100 * index
    position = image.TransformIndexToPhysicalPoint((0, 0, index))
    for tag, value in {
        "0008|0016": "1.2.840.10008.5.1.4.1.1.4",
        "0008|0060": "MR",
        "0018|0050": "3",
        "0018|0088": "3",
        "0020|000d": "1.2.826.0.1.3680043.2.1125.1",
        "0020|000e": "1.2.826.0.1.3680043.2.1125.1.1",
        "0020|0013": str(index + 1),
        "0020|0032": "\\".join(map(str, position)),
        "0020|0037": "1\\0\\0\\0\\1\\0",
    }.items():
        one.SetMetaData(tag, value)
    writer.SetFileName(f"dicom/{index}.dcm")
    writer.Execute(one)
    time.sleep(0.3)
slices = [pydicom.dcmread(path) for path in sorted(Path("dicom").iterdir())]
gaps = {float(d.SpacingBetweenSlices) for d in slices}
times = {str(d.StudyTime) for d in slices}
heights = [float(d.ImagePositionPatient[2]) for d in slices]
Path("nifti").mkdir()
command = ["venv/bin/dcm2niix", "-f", "scan", "-o", "nifti", "dicom"]
subprocess.run(command, check=True, capture_output=True)
volumes = len(list(Path("nifti").glob("*.nii")))
print(f"Spacing Between Slices {gaps}, heights {heights}, {len(times)} Study Times, {volumes} volumes")
sys.exit(gaps != {1.0} or heights != [3.0 * k for k in range(8)] or len(times) < 2 or volumes < 2)
PYTHON
"$folder/venv/bin/python" write.py
