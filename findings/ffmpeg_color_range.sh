#!/bin/sh
# ffmpeg 9.0.2, as imageio-ffmpeg 0.8.1 brings it, is asked to keep grey levels 0 to 255
# (scale=out_range=pc, -color_range pc) in five codecs, and then reads its own files.
#
# Seen, for the levels 16, 64, 192 (all codecs at their best quality, to within 2 levels):
#   H.264 in mp4    16  64 192     MJPEG in mov   16  64 192
#   MPEG-4 in mp4    0  56 205     MPEG-2 in mpg   0  56 205     ProRes in mov   0  56 205
# The last three are written with levels 0 to 255, but nothing in their files says so, and ffmpeg
# neither refuses the option nor warns of it. Every reader then takes 16 to 235 for black to white:
# the darkest and the brightest twentieth are lost, and the rest is stretched.
# Ends with 0 while all of this is so, else with 1, and prints what it saw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imageio-ffmpeg==0.8.1
cd "$folder"
cat > levels.py <<'PYTHON'
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "warning", "-y"]
RAW = ["-f", "rawvideo", "-pix_fmt", "gray"]
FULL = ["-vf", "scale=in_range=pc:out_range=pc,format=yuv420p", "-color_range", "pc"]
ASKED = (16, 64, 192)
KEPT, STRETCHED = (16, 64, 192), (0, 56, 205)
CODECS = {
    "h264.mp4": (["-c:v", "libx264", "-crf", "4"], KEPT),
    "mjpeg.mov": (["-c:v", "mjpeg", "-q:v", "1"], KEPT),
    "mpeg4.mp4": (["-c:v", "mpeg4", "-q:v", "1"], STRETCHED),
    "mpeg2.mpg": (["-c:v", "mpeg2video", "-q:v", "1"], STRETCHED),
    "prores.mov": (["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"], STRETCHED),
}
Path("ramp.gray").write_bytes(bytes(range(256)) * 256 * 10)  # ten frames, a level a column
changed = 0
for name, (codec, expected) in CODECS.items():
    full = [part.replace("yuv420p", "yuv422p10le") for part in FULL] if "prores" in name else FULL
    source = [*RAW, "-s", "256x256", "-r", "25", "-i", "ramp.gray"]
    said = subprocess.run([*FFMPEG, *source, *full, *codec, name], check=True, capture_output=True, text=True)
    assert "range" not in said.stderr, said.stderr
    subprocess.run([*FFMPEG, "-i", name, *RAW, "out.gray"], check=True, capture_output=True)
    row = Path("out.gray").read_bytes()[128 * 256 : 129 * 256]
    seen = tuple(row[level] for level in ASKED)
    print(f"{name}: {ASKED} come back as {seen}")
    changed += any(abs(one - other) > 2 for one, other in zip(seen, expected, strict=True))
sys.exit(changed > 0)
PYTHON
"$folder/venv/bin/python" levels.py
