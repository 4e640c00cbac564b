#!/bin/sh
# dcmcjpeg of dcmtk 3.6.7 (Debian 12: 3.6.7-9~deb12u4) compresses a loop of three RGB frames, stored plane by
# plane (Planar Configuration 1), to JPEG lossless, and dcmdjpeg of the same release unpacks it again.
# Frame t holds R = 10 t, G = 10 t + 1, B = 10 t + 2 everywhere.
#
# Seen: (0, 1, 2) (10, 11, 12) (20, 21, 22) come back as (0, 10, 20) (1, 11, 21) (2, 12, 22): the planes of all
# frames are taken for those of one. Nothing is printed, and both end with 0. With Planar Configuration 0, or one
# frame, or dcmcrle, all is right.
# Needs Debian 12 (apt-get download; nothing is installed into the system).
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -q dcmtk=3.6.7-9~deb12u4 libdcmtk17=3.6.7-9~deb12u4 libtiff6 libpng16-16 libxml2 \
    libicu72 libjpeg62-turbo libwebp7 liblerc4 libdeflate0 libjbig0 > apt.log 2>&1
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6 pydicom==3.0.2
libraries=$(find "$folder/root" -name '*.so*' -exec dirname {} + | sort -u | paste -sd: -)
cat > planes.py <<'PYTHON'
import subprocess
import sys

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid


def there_and_back(planar):
    d, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = d.SOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID = generate_uid()
    d.file_meta, d.StudyInstanceUID, d.SeriesInstanceUID = meta, generate_uid(), generate_uid()
    d.Modality, d.NumberOfFrames, d.FrameTime, d.FrameIncrementPointer = "US", 3, 40, 0x00181063
    d.SamplesPerPixel, d.PhotometricInterpretation, d.PlanarConfiguration = 3, "RGB", planar
    d.Rows, d.Columns, d.BitsAllocated, d.BitsStored, d.HighBit = 16, 16, 8, 8, 7
    d.PixelRepresentation = 0
    levels = np.array([[0, 1, 2], [10, 11, 12], [20, 21, 22]], np.uint8)
    shape = (3, 3, 16, 16) if planar else (3, 16, 16, 3)
    colours = levels[:, :, None, None] if planar else levels[:, None, None, :]
    d.PixelData = np.broadcast_to(colours, shape).tobytes()
    d["PixelData"].VR = "OB"
    d.save_as("loop.dcm", enforce_file_format=True)
    subprocess.run(["root/usr/bin/dcmcjpeg", "+e1", "loop.dcm", "packed.dcm"], check=True)
    subprocess.run(["root/usr/bin/dcmdjpeg", "packed.dcm", "unpacked.dcm"], check=True)
    return pydicom.dcmread("unpacked.dcm").pixel_array[:, 8, 8].tolist()


pixels, planes = there_and_back(0), there_and_back(1)
print(f"by pixel: {pixels}\nby plane: {planes}")
right, mixed = [[0, 1, 2], [10, 11, 12], [20, 21, 22]], [[0, 10, 20], [1, 11, 21], [2, 12, 22]]
sys.exit((pixels, planes) != (right, mixed))
PYTHON
DCMDICTPATH=$(find "$folder/root" -name dicom.dic | head -1) LD_LIBRARY_PATH="$libraries" venv/bin/python planes.py
