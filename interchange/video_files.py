"""A loop in ffmpeg's containers, codecs, ranges, aspects, turns and times."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import tools
from jaxtyping import UInt8
from judging import Form, Prepared
from originals import COLUMNS, ROWS

RATE = 25
Options = tuple[str, ...]
Frames = UInt8[np.ndarray, "frame row column"]
Prepare = Callable[[Frames], Prepared]

LIMITED = ("-vf", "scale=in_range=pc:out_range=tv,format=yuv420p", "-color_range", "tv")
FULL = ("-vf", "scale=in_range=pc:out_range=pc,format=yuv420p", "-color_range", "pc")
BT709 = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
H264: Options = ("-c:v", "libx264", "-crf", "10")
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


def forms(frames: Frames, prepare: Prepare) -> Iterator[Form]:
    """Every form of ffmpeg's."""
    for name, (file, options, loss) in CODECS.items():
        yield Form("ffmpeg", name, partial(encode, frames, file, options), loss)
    yield from _unstated(frames, prepare)
    yield from _aspects(frames, prepare)
    yield from _turns(frames, prepare)
    yield from _times(frames, prepare)
    yield from _tracks(frames)


def _unstated(frames: Frames, prepare: Prepare) -> Iterator[Form]:
    """Levels 0 to 255 in a stream that does not say so: by the standards, they are 16 to 235."""
    stretched = prepare(
        np.rint((frames.astype(np.float32) - 16) * (255 / 219)).clip(0, 255).astype(np.uint8),
    )
    for name, file, options in (
        ("H.264, grey", "clip.mp4", ("-pix_fmt", "gray", *H264)),
        ("MPEG-4", "clip.mp4", (*FULL, "-c:v", "mpeg4", "-q:v", "2")),
        ("MPEG-4 in mov", "clip.mov", (*FULL, *BT709, "-c:v", "mpeg4", "-q:v", "2")),
        ("MPEG-2", "clip.mpg", (*FULL, "-c:v", "mpeg2video", "-q:v", "2")),
    ):
        write = partial(encode, frames, file, options)
        yield Form("ffmpeg", f"{name}, full, stated nowhere", write, 0.003, stretched)


def _aspects(frames: Frames, prepare: Prepare) -> Iterator[Form]:
    half = "scale=in_range=pc:out_range=tv,format=yuv420p,scale=iw/2:ih,setsar=2"
    flat = "scale=in_range=pc:out_range=tv,format=yuv420p,scale=iw:ih/2,setsar=1/2"
    for name, how in (("2:1", half), ("1:2", flat)):
        for file, options in (
            ("clip.mp4", H264),
            ("clip.mov", H264),
            ("clip.avi", ("-c:v", "mpeg4", "-q:v", "2")),
        ):
            label = f"pixels of {name}, {file[5:]}"
            yield Form("ffmpeg", label, partial(encode, frames, file, ("-vf", how, *options)), 0.02)
    for aspect, rows in (("4:3", ROWS), ("16:9", COLUMNS * 9 // 16)):
        top = (ROWS - rows) // 2
        options = (
            "-vf",
            f"crop={COLUMNS}:{rows}",
            "-target",
            "pal-dvd",
            "-aspect",
            aspect,
            "-b:v",
            "8M",
        )
        expected = prepare(frames[:, top : top + rows])
        yield Form(
            "ffmpeg",
            f"DVD, {aspect}",
            partial(encode, frames, "clip.mpg", options),
            0.02,
            expected,
        )


def _turns(frames: Frames, prepare: Prepare) -> Iterator[Form]:
    base = partial(encode, frames, "source.mp4", (*LIMITED, *H264))
    for degrees in (90, 180, 270):  # against the clock
        shown = prepare(np.rot90(frames, degrees // 90, (1, 2)))
        for file in ("clip.mp4", "clip.mov"):
            write = partial(
                _again,
                base,
                file,
                ("-display_rotation", str(degrees)),
                (),
                tools.newer_ffmpeg,
            )
            yield Form(
                "imageio_ffmpeg",
                f"turned by {degrees} degrees, {file[5:]}",
                write,
                0.003,
                shown,
                ("ffmpeg",),
            )
    for name, options, shown in (
        ("mirrored", ("-display_hflip",), frames[:, :, ::-1]),
        ("upside down", ("-display_vflip",), frames[:, ::-1]),
        (
            "turned by 90 degrees, then mirrored",
            ("-display_rotation", "90", "-display_hflip"),
            _turned_mirror(frames),
        ),
    ):
        write = partial(_again, base, "clip.mp4", options, (), tools.newer_ffmpeg)
        yield Form("imageio_ffmpeg", name, write, 0.003, prepare(shown), ("ffmpeg",))
    stream = ("-bsf:v", "h264_metadata=display_orientation=insert:rotate=90")
    write = partial(_again, base, "clip.mp4", (), stream, tools.ffmpeg)
    yield Form(
        "ffmpeg",
        "turned by 90 degrees within H.264",
        write,
        0.003,
        prepare(np.rot90(frames, 1, (1, 2))),
    )


def _turned_mirror(frames: Frames) -> Frames:
    return np.rot90(frames, 1, (1, 2))[:, :, ::-1]


def _times(frames: Frames, prepare: Prepare) -> Iterator[Form]:
    base = partial(encode, frames, "source.mp4", (*LIMITED, *H264, "-g", "250"))
    for file in ("clip.mp4", "clip.mov"):
        write = partial(_again, base, file, ("-ss", str(13 / RATE)), (), tools.ffmpeg)
        yield Form("ffmpeg", f"cut by an edit list, {file[5:]}", write, 0.003, prepare(frames[13:]))
    slow = np.repeat(np.arange(len(frames)), np.where(np.arange(len(frames)) < 20, 1, 3))
    slower = "scale=in_range=pc:out_range=pc,setpts='if(lt(N,20),N,20+(N-20)*3)/25/TB'"
    for file, codec in (
        ("clip.mp4", ("-color_range", "pc", *H264)),
        ("clip.mov", ("-c:v", "qtrle", "-pix_fmt", "gray")),
        ("clip.gif", ("-pix_fmt", "gray")),
    ):
        options = ("-vf", slower, *codec, "-fps_mode", "passthrough", "-enc_time_base", "1:100")
        write, shown = partial(encode, frames, file, options), prepare(frames[slow])
        yield Form("ffmpeg", f"slower from frame 20 on, {file[5:]}", write, 0.003, shown)
    held = np.array([min(n, 9) if n < 20 else n for n in range(len(frames))])
    for file, name in (("clip.avi", "mpeg4"), ("clip.avi", "mjpeg"), ("clip.mp4", "mpeg4")):
        dropping = ("-vf", "select='not(between(n,10,19))'", "-c:v", name, "-q:v", "2")
        write = partial(encode, frames, file, (*dropping, "-fps_mode", "vfr"))
        label = f"ten frames dropped, {name}, {file[5:]}"
        yield Form("ffmpeg", label, write, 0.003, prepare(frames[held]))
    forward = (*LIMITED, *H264, "-output_ts_offset", "5")
    yield Form("ffmpeg", "first frame at 5 s", partial(encode, frames, "clip.mp4", forward), 0.003)


def _tracks(frames: Frames) -> Iterator[Form]:
    base = partial(encode, frames, "source.mp4", (*LIMITED, *H264))
    yield Form("ffmpeg", "with a cover before the loop", partial(_with_cover, base), 0.003)
    sound = ("-f", "lavfi", "-t", "2", "-i", "sine")
    write = partial(
        _again,
        base,
        "clip.mp4",
        sound,
        ("-map", "0:a", "-map", "1:v", "-c:a", "aac"),
        tools.ffmpeg,
    )
    yield Form("ffmpeg", "with sound before the loop", write, 0.003)


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


def _again(
    write: Callable[[Path], Path],
    file: str,
    inputs: Options,
    outputs: Options,
    ffmpeg: Callable[..., None],
    folder: Path,
) -> Path:
    """The same stream in another file; options that belong before and behind its name."""
    ffmpeg(*inputs, "-i", write(folder), "-c:v", "copy", *outputs, folder / file)
    return folder / file


def _with_cover(write: Callable[[Path], Path], folder: Path) -> Path:
    tools.ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=160x120",
        "-frames:v",
        "1",
        folder / "cover.png",
    )
    inputs = (
        "-i",
        folder / "cover.png",
        "-i",
        write(folder),
        "-map",
        "0:v",
        "-map",
        "1:v",
        "-c",
        "copy",
    )
    tools.ffmpeg(*inputs, "-disposition:v:0", "attached_pic", folder / "clip.mp4")
    return folder / "clip.mp4"
