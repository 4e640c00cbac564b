"""What ffmpeg is asked for: codecs with their containers, depths and ranges."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tools
from jaxtyping import UInt8
from judging import Prepared

RATE = 25
Options = tuple[str, ...]
Frames = UInt8[np.ndarray, "frame row column"]
Prepare = Callable[[Frames], Prepared]

LIMITED = ("-vf", "scale=in_range=pc:out_range=tv,format=yuv420p", "-color_range", "tv")
FULL = ("-vf", "scale=in_range=pc:out_range=pc,format=yuv420p", "-color_range", "pc")
BT709 = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
H264: Options = ("-c:v", "libx264", "-crf", "10")
H265: Options = ("-c:v", "libx265", "-crf", "10")
MPEG2: Options = ("-c:v", "mpeg2video", "-q:v", "2")
CODECS: dict[str, tuple[str, Options, float | None]] = {  # name: file, options, mean loss
    "H.264, limited": ("clip.mp4", (*LIMITED, *H264), 0.003),
    "H.264, full, yuv420p": ("clip.mp4", (*FULL, *H264), 0.003),
    "H.264, full, yuvj420p": ("clip.mp4", ("-pix_fmt", "yuvj420p", *H264), 0.003),
    "H.264, 4:2:2": ("clip.mp4", ("-pix_fmt", "yuv422p", *H264), 0.003),
    "H.264, 4:4:4": ("clip.mp4", ("-pix_fmt", "yuv444p", *H264), 0.003),
    "H.264, 10 bits": ("clip.mp4", ("-pix_fmt", "yuv420p10le", *H264), 0.003),
    "H.264, grey": ("clip.mp4", ("-pix_fmt", "gray", "-color_range", "pc", *H264), 0.003),
    "H.264, RGB": ("clip.mp4", ("-c:v", "libx264rgb", "-pix_fmt", "rgb24", "-crf", "10"), 0.003),
    "H.264, interlaced": ("clip.mp4", (*LIMITED, *H264, "-flags", "+ildct+ilme"), 0.003),
    "H.264, fast start": ("clip.mp4", (*LIMITED, *H264, "-movflags", "+faststart"), 0.003),
    "H.264, fragmented": (
        "clip.mp4",
        (*LIMITED, *H264, "-movflags", "frag_keyframe+empty_moov"),
        0.003,
    ),
    "H.264 in m4v": ("clip.m4v", (*LIMITED, *H264, "-f", "mp4"), 0.003),
    "H.264 in mov": ("clip.mov", (*LIMITED, *H264), 0.003),
    "H.264 in avi": ("clip.avi", (*LIMITED, *H264, "-bf", "0"), 0.003),
    "H.265": ("clip.mp4", (*LIMITED, "-c:v", "libx265", "-crf", "10"), 0.003),
    "H.265, 10 bits": (
        "clip.mp4",
        ("-c:v", "libx265", "-crf", "10", "-pix_fmt", "yuv420p10le"),
        0.003,
    ),
    "H.265, full": ("clip.mp4", (*FULL, "-c:v", "libx265", "-crf", "10"), 0.003),
    "AV1": ("clip.mp4", (*LIMITED, "-c:v", "libaom-av1", "-crf", "10", "-cpu-used", "8"), 0.003),
    "VP9 in mp4": (
        "clip.mp4",
        (*LIMITED, "-c:v", "libvpx-vp9", "-crf", "10", "-b:v", "0", "-cpu-used", "8"),
        0.003,
    ),
    "MPEG-4": ("clip.mp4", (*LIMITED, "-c:v", "mpeg4", "-q:v", "2"), 0.003),
    "MPEG-4, full, stated by mp4": (
        "clip.mp4",
        (*FULL, *BT709, "-c:v", "mpeg4", "-q:v", "2"),
        0.003,
    ),
    "MPEG-4 in avi": ("clip.avi", (*LIMITED, "-c:v", "mpeg4", "-q:v", "2", "-bf", "2"), 0.003),
    "MS MPEG-4 in avi": ("clip.avi", (*LIMITED, "-c:v", "msmpeg4v2", "-q:v", "2"), 0.003),
    "MPEG-1": ("clip.mpg", (*LIMITED, "-c:v", "mpeg1video", "-q:v", "2"), 0.003),
    "MPEG-2": ("clip.mpg", (*LIMITED, "-c:v", "mpeg2video", "-q:v", "2"), 0.003),
    "MPEG-2, bare stream": (
        "clip.mpeg",
        (*LIMITED, "-c:v", "mpeg2video", "-q:v", "2", "-f", "mpeg2video"),
        0.003,
    ),
    "MJPEG, full, in avi": (
        "clip.avi",
        ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "2"),
        0.003,
    ),
    "MJPEG, limited, in avi": (
        "clip.avi",
        (*LIMITED, "-c:v", "mjpeg", "-strict", "-1", "-q:v", "2"),
        0.003,
    ),
    "MJPEG, limited, in mov": (
        "clip.mov",
        (*LIMITED, "-c:v", "mjpeg", "-strict", "-1", "-q:v", "2"),
        0.003,
    ),
    "uncompressed grey in avi": ("clip.avi", ("-c:v", "rawvideo", "-pix_fmt", "gray"), None),
    "uncompressed RGB in avi": ("clip.avi", ("-c:v", "rawvideo", "-pix_fmt", "bgr24"), 0.002),
    "uncompressed yuv420p in avi": ("clip.avi", (*LIMITED, "-c:v", "rawvideo"), 0.004),
    "uncompressed uyvy422 in mov": ("clip.mov", ("-c:v", "rawvideo", "-pix_fmt", "uyvy422"), 0.004),
    "HuffYUV, 4:2:2": ("clip.avi", ("-c:v", "huffyuv", "-pix_fmt", "yuv422p"), 0.004),
    "HuffYUV, RGB": ("clip.avi", ("-c:v", "huffyuv", "-pix_fmt", "rgb24"), 0.002),
    "FFV1, grey": ("clip.avi", ("-c:v", "ffv1", "-pix_fmt", "gray"), None),
    "FFV1, 16 bits grey": ("clip.avi", ("-c:v", "ffv1", "-pix_fmt", "gray16le"), 0.004),
    "FFV1, yuv420p": ("clip.avi", (*LIMITED, "-c:v", "ffv1"), 0.004),
    "Ut Video, RGB": ("clip.avi", ("-c:v", "utvideo", "-pix_fmt", "gbrp"), 0.002),
    "ProRes": ("clip.mov", ("-c:v", "prores_ks", "-profile:v", "3"), 0.003),
    "ProRes 4444": ("clip.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"), 0.003),
    "QuickTime Animation, grey": ("clip.mov", ("-c:v", "qtrle", "-pix_fmt", "gray"), 0.002),
    "QuickTime Animation, RGB": ("clip.mov", ("-c:v", "qtrle", "-pix_fmt", "rgb24"), 0.002),
    "PNG in mov": ("clip.mov", ("-c:v", "png", "-pix_fmt", "rgb24"), 0.002),
    "GIF, grey": ("clip.gif", ("-pix_fmt", "gray"), 0.002),
    "GIF, palette": (
        "clip.gif",
        ("-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none"),
        0.003,
    ),
    "APNG": ("clip.png", ("-f", "apng", "-pix_fmt", "gray"), None),
    "VP9 in webm": (
        "clip.webm",
        (*LIMITED, "-c:v", "libvpx-vp9", "-crf", "10", "-b:v", "0", "-cpu-used", "8"),
        0.003,
    ),
    "H.264 in mkv": ("clip.mkv", (*LIMITED, *H264), 0.003),
    "H.264 in ts": ("clip.ts", (*LIMITED, *H264), 0.003),
    "WMV": ("clip.wmv", (*LIMITED, "-c:v", "wmv2", "-q:v", "2"), 0.003),
    "FLV": ("clip.flv", (*LIMITED, "-c:v", "flv", "-q:v", "2"), 0.003),
}


def encode(frames: Frames, file: str, options: Options, folder: Path) -> Path:
    """By the ffmpeg of the machine, from grey levels 0 to 255."""
    raw = folder / "frames.gray"
    raw.write_bytes(np.ascontiguousarray(frames).tobytes())
    source = (
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-s",
        f"{frames.shape[2]}x{frames.shape[1]}",
        "-r",
        RATE,
        "-i",
        raw,
    )
    tools.ffmpeg(*source, *options, folder / file)
    raw.unlink()
    return folder / file
