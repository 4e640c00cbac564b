#!/bin/sh
# dcm2niix 1.0.20260724 and SimpleITK 2.5.7 read one valid MR series in two ways.
#
# A MONOCHROME1 series shows its lowest stored value white (DICOM PS3.3 C.7.6.3.1.2). Pixel Padding
# Value names a stored value that is no signal (C.7.5.1.1.2). Eight slices hold 0, 100 and 4000.
#
# Seen, as stored values:
#   dcm2niix   MONOCHROME2 [0, 100, 4000]   MONOCHROME1 [0, 100, 4000]     padding 4000 [0, 100, 4000]
#   SimpleITK  MONOCHROME2 [0, 100, 4000]   MONOCHROME1 [95, 3995, 4095]   padding 4000 [0, 100, 4000]
# Neither dcm2niix's output nor its JSON says MONOCHROME1 or padding: the NIfTI file is a negative,
# and whoever reads it cannot know.
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet \
    dcm2niix==1.0.20260724 nibabel==5.4.2 numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7
cd "$folder"
cat > compare.py <<'PYTHON'
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid


def write_series(folder, **attributes):
    folder.mkdir(parents=True)
    study, series = generate_uid(), generate_uid()
    pixels = np.full((16, 16), 100, "<u2")
    pixels[:4], pixels[-2:] = 4000, 0
    for index in range(8):
        d, meta = Dataset(), FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = d.SOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = generate_uid()
        d.file_meta = meta
        d.StudyInstanceUID, d.SeriesInstanceUID = study, series
        d.SeriesNumber, d.InstanceNumber, d.Modality = 1, index + 1, "MR"
        d.StudyDate, d.StudyTime, d.PatientName, d.PatientID = "20000101", "120000", "a", "a"
        d.ImageOrientationPatient, d.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * index]
        d.PixelSpacing, d.SliceThickness, d.Rows, d.Columns = [1, 1], 2, 16, 16
        d.SamplesPerPixel, d.PhotometricInterpretation, d.PixelRepresentation = 1, "MONOCHROME2", 0
        d.BitsAllocated, d.BitsStored, d.HighBit = 16, 12, 11
        d.PixelData = pixels.tobytes()
        d["PixelData"].VR = "OW"
        for name, value in attributes.items():
            setattr(d, name, value)
        d.save_as(folder / f"{index}.dcm", enforce_file_format=True)


def by_dcm2niix(series, out):
    out.mkdir()
    command = ["venv/bin/dcm2niix", "-b", "y", "-f", "scan", "-o", out, series]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    said += (out / "scan.json").read_text()
    assert "MONOCHROME1" not in said and "adding" not in said, said
    return np.unique(np.asarray(nibabel.load(out / "scan.nii").dataobj)).tolist()


def by_simpleitk(series):
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(series))
    return np.unique(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(names))).tolist()


seen = {}
for name, attributes in (
    ("grey", {}),
    ("turned", {"PhotometricInterpretation": "MONOCHROME1"}),
    ("filled", {"PixelPaddingValue": 4000}),
):
    write_series(Path(name, "dicom"), **attributes)
    both = by_dcm2niix(Path(name, "dicom"), Path(name, "nifti")), by_simpleitk(Path(name, "dicom"))
    print(f"{name}: dcm2niix {both[0]}, SimpleITK {both[1]}")
    seen[name] = both
stored = [0, 100, 4000]
same = {"grey": (stored, stored), "filled": (stored, stored)}
sys.exit(seen != {**same, "turned": (stored, [95, 3995, 4095])})
PYTHON
"$folder/venv/bin/python" -W ignore compare.py
