#!/bin/sh
# gdcmconv of GDCM 3.2.6 (python-gdcm 3.2.6; likewise Debian's 3.0.21) compresses an RGB picture by
# --jpeg --lossy, and unpacks it again by --raw. (It calls its lossy mode experimental.)
#
# Seen, of a pixel (200, 100, 50): (124, 86, 182) comes back, still called RGB. The JPEG in between holds
# YCbCr with colour at half of the resolution, but the file says Photometric Interpretation RGB, and the
# JPEG has neither a JFIF nor an Adobe marker. pydicom 3.0.2 gives the same (124, 86, 182) as RGB;
# Pillow 13.0.0 takes the JPEG alone for YCbCr and is right.
# Components that are sampled differently are no RGB, whatever the file says.
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 pillow==13.0.0 pydicom==3.0.2 python-gdcm==3.2.6
cd "$folder"
cat > colours.py <<'PYTHON'
import io
import subprocess
import sys

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

d, meta = Dataset(), FileMetaDataset()
meta.TransferSyntaxUID = ExplicitVRLittleEndian
meta.MediaStorageSOPClassUID = d.SOPClassUID = UltrasoundImageStorage
meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = generate_uid()
d.file_meta, d.StudyInstanceUID, d.SeriesInstanceUID = meta, generate_uid(), generate_uid()
d.Modality, d.SamplesPerPixel, d.PhotometricInterpretation = "US", 3, "RGB"
d.PlanarConfiguration, d.PixelRepresentation, d.Rows, d.Columns = 0, 0, 64, 64
d.BitsAllocated, d.BitsStored, d.HighBit = 8, 8, 7
d.PixelData = np.broadcast_to(np.array([200, 100, 50], np.uint8), (64, 64, 3)).tobytes()
d["PixelData"].VR = "OB"
d.save_as("rgb.dcm", enforce_file_format=True)
for options in (["--jpeg", "--lossy", "rgb.dcm", "jpeg.dcm"], ["--raw", "jpeg.dcm", "raw.dcm"]):
    subprocess.run(["venv/bin/gdcmconv", *options], check=True, capture_output=True)
packed, raw = pydicom.dcmread("jpeg.dcm"), pydicom.dcmread("raw.dcm")
jpeg = next(generate_frames(packed.PixelData, number_of_frames=1))
start = jpeg.find(b"\xff\xc0")
sampling = [jpeg[start + 11 + 3 * component] for component in range(3)]
seen = {
    "gdcmconv": raw.pixel_array[32, 32].tolist(),
    "pydicom": packed.pixel_array[32, 32].tolist(),
    "Pillow": np.asarray(Image.open(io.BytesIO(jpeg)))[32, 32].tolist(),
}
print(f"{packed.PhotometricInterpretation}, sampling {[f'{value:02x}' for value in sampling]}: {seen}")


def is_near(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 2


wrong, right = [124, 86, 182], [200, 100, 50]
same = is_near(seen["gdcmconv"], wrong) and is_near(seen["pydicom"], wrong) and is_near(seen["Pillow"], right)
sys.exit(not (same and packed.PhotometricInterpretation == "RGB" and sampling == [0x22, 0x11, 0x11]))
PYTHON
"$folder/venv/bin/python" colours.py
