#!/bin/sh
# MRtrix3 3.0.3 (Debian 12: 3.0.3-3+b1) writes a NIfTI-1 pair, mrconvert scan.nii pair.img. Its header says
# magic "ni1" and vox_offset 352, but pair.img begins with the first voxel and is no longer than the voxels
# (16 x 16 x 16 of int16: 8192 bytes). In a pair, vox_offset counts from the beginning of the .img file.
#
# Seen, of voxels that count from 0:
#   mrconvert (MRtrix3 3.0.3)  reads its own pair right
#   nibabel 5.4.2              OSError: Expected 8192 bytes, got 7840 bytes
#   SimpleITK 2.5.7            no error: the first voxel is 176, all are shifted by 352 bytes
# A pair whose .img is exactly as long as its voxels begins with them, whatever vox_offset says.
# Needs Debian 12 (apt-get download; nothing is installed into the system).
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -q mrtrix3=3.0.3-3+b1 libfftw3-double3 libgomp1 libtiff6 libpng16-16 \
    libwebp7 libjpeg62-turbo liblerc4 libdeflate0 libjbig0 libzstd1 liblzma5 > apt.log 2>&1
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv venv
venv/bin/pip install --quiet nibabel==5.4.2 numpy==2.4.6 simpleitk==2.5.7
libraries=$(find "$folder/root" -name '*.so*' -exec dirname {} + | sort -u | paste -sd: -)
cat > pair.py <<'PYTHON'
import os
import subprocess
import sys

import nibabel
import numpy as np
import SimpleITK

voxels = np.arange(16**3, dtype=np.int16).reshape((16, 16, 16), order="F")
nibabel.save(nibabel.Nifti1Image(voxels, np.diag([2, 2, 2, 1])), "scan.nii")
for names in (("scan.nii", "pair.img"), ("pair.img", "back.nii")):
    subprocess.run(["root/usr/lib/mrtrix3/bin/mrconvert", "-quiet", *names], check=True)
with open("pair.hdr", "rb") as file:
    header = nibabel.Nifti1Header.from_fileobj(file, check=False)
offset, size = float(header["vox_offset"]), os.path.getsize("pair.img")
own = np.array_equal(np.asarray(nibabel.load("back.nii").dataobj), voxels)
try:
    by_nibabel = str(np.asarray(nibabel.load("pair.img").dataobj).flat[0])
except OSError as error:
    by_nibabel = str(error).splitlines()[0]
first = int(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("pair.img")).flat[0])
print(f"vox_offset {offset}, pair.img has {size} bytes; MRtrix3 reads its own pair right: {own}")
print(f"nibabel: {by_nibabel}\nSimpleITK: the first voxel is {first}")
as_seen = (offset, size, own, first) == (352, 8192, True, 176) and "Expected 8192" in by_nibabel
sys.exit(not as_seen)
PYTHON
LD_LIBRARY_PATH="$libraries" venv/bin/python pair.py
