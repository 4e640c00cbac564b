#!/bin/sh
# scipy 1.17.1 turns a volume of ones about its middle by 360 degrees, linearly, with affine_transform and its
# default mode="constant": the matrix of such a turn differs from the identity by 2.4e-16.
#
# Seen: between a sixth and two thirds of the voxels of the four planes at which the turn looks outside become 0,
# since a voxel whose place lies outside by no more than rounding is filled, not interpolated. With
# mode="grid-constant" every voxel stays 1. A shift by 1e-16 makes a whole plane 0, in orders 1 and 3 alike.
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6
cat > "$folder/turn.py" <<'PYTHON'
import sys

import numpy as np
from scipy.ndimage import affine_transform

ones = np.ones((6, 6, 6))
angle = 2 * np.pi
turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
middle = (np.array(ones.shape) - 1) / 2
turned = {
    mode: affine_transform(ones, turn, middle - turn @ middle, order=1, mode=mode)
    for mode in ("constant", "grid-constant")
}
lost = {mode: int((np.abs(volume - 1) > 0.01).sum()) for mode, volume in turned.items()}
moved = [affine_transform(ones, np.eye(3), [-1e-16, 0, 0], order=order) for order in (1, 3)]
planes = [int((np.abs(volume[0] - 1) > 0.01).sum()) for volume in moved]
print(f"voxels of 216 that a full turn loses: {lost}; of 36 that a shift by 1e-16 loses: {planes}")
sys.exit(not (36 <= lost["constant"] <= 108) or lost["grid-constant"] != 0 or planes != [36, 36])
PYTHON
"$folder/venv/bin/python" "$folder/turn.py"
