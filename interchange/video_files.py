"""A loop in ffmpeg's containers, codecs, ranges, aspects, turns and times."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import tools
from judging import Form
from originals import QUICK
from video_codecs import (
    BT709,
    CODECS,
    FULL,
    H264,
    LIMITED,
    RATE,
    Frames,
    Options,
    Prepare,
    encode,
)


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
    height, columns = frames.shape[1:]
    for aspect, rows in (("4:3", columns * 3 // 4), ("16:9", columns * 9 // 16)):
        top = (height - rows) // 2
        options = (
            "-vf",
            f"crop={columns}:{rows}",
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
    often = partial(encode, frames, "source.mp4", (*LIMITED, *H264, "-g", "12"))
    for name, source in (("", base), (", a key frame every 12", often)):
        yield Form(
            "ffmpeg",
            f"turned by 90 degrees within H.264{name}",
            partial(_again, source, "clip.mp4", (), stream, tools.ffmpeg),
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
    slow = np.repeat(np.arange(len(frames)), np.where(np.arange(len(frames)) < QUICK, 1, 3))
    slower = f"scale=in_range=pc:out_range=pc,setpts='if(lt(N,{QUICK}),N,{QUICK}+(N-{QUICK})*3)/25/TB'"
    for file, codec in (
        ("clip.mp4", ("-color_range", "pc", *H264)),
        ("clip.mov", ("-c:v", "qtrle", "-pix_fmt", "gray")),
        ("clip.gif", ("-pix_fmt", "gray")),
    ):
        options = ("-vf", slower, *codec, "-fps_mode", "passthrough", "-enc_time_base", "1:100")
        write = partial(encode, frames, file, options)
        shown = prepare(frames[slow[:-2] if file.endswith(".mov") else slow])  # its last frame is a short one
        yield Form("ffmpeg", f"slower from frame {QUICK} on, {file[5:]}", write, 0.003, shown)
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
