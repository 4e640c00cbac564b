#!/bin/sh
# ffmpeg 9.0.2, as imageio-ffmpeg 0.8.1 brings it, is asked to state a turn within H.264, which its
# documentation calls "insert": -bsf:v h264_metadata=display_orientation=insert:rotate=90. A key frame
# comes every 4 frames, of 12.
#
# Seen: the message that states the turn (SEI, payload type 47) lies before the picture of the first key
# frame, and behind that of the second and the third. Such a message belongs to the picture that follows
# it (ITU-T H.264, 7.4.1.2.3): read to the letter, the second key frame states no turn, and begins anew.
# ffmpeg 9.0.2 shows all 12 frames turned nevertheless, since it keeps the turn of the first.
# A reader that takes a key frame without such a message for upright shows these clips half sideways.
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imageio-ffmpeg==0.8.1
cd "$folder"
cat > turn.py <<'PYTHON'
import re
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg

SIDE = 64


def ffmpeg(*arguments):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def is_turned(frame):
    """Whether the ramp from left to right runs up or down."""
    return abs(frame[SIDE * (SIDE - 1)] - frame[0]) > abs(frame[SIDE - 1] - frame[0])


def called(unit):
    """A message of a turn, which may stand behind others in one unit, a key picture, or nothing of these."""
    kind = unit[0] & 31
    states_turn = kind == 6 and (unit[1] == 47 or b"\x2f\x03" in unit[-8:])
    return "turn" if states_turn else "key" if kind == 5 else ""


ramp = bytes(range(0, 4 * SIDE, 4)) * SIDE
Path("ramp.gray").write_bytes(ramp * 12)
source = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{SIDE}x{SIDE}", "-r", "25", "-i", "ramp.gray")
codec = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "4", "-sc_threshold", "0", "-bf", "0")
turn = ("-bsf:v", "h264_metadata=display_orientation=insert:rotate=90")
ffmpeg(*source, *codec, *turn, "turned.264")
units = re.split(rb"\x00*\x00\x00\x01", Path("turned.264").read_bytes())[1:]
order = [name for name in map(called, units) if name]
shown = ffmpeg("-i", "turned.264", "-f", "rawvideo", "-pix_fmt", "gray", "-")
frames = [shown[start : start + SIDE * SIDE] for start in range(0, len(shown), SIDE * SIDE)]
turned = sum(map(is_turned, frames))
print(f"in the file: {' '.join(order)}; {turned} of {len(frames)} frames are shown turned")
sys.exit(not (order == ["turn", "key", "key", "turn", "key", "turn"] and turned == len(frames) == 12))
PYTHON
"$folder/venv/bin/python" turn.py
