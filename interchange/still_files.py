"""One frame in the forms of Pillow and ffmpeg: palettes, depths, alpha, EXIF orientations."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from judging import Form
from originals import QUICK
from PIL import Image
from video_codecs import Frames, Prepare

SHOWN = {  # what each EXIF orientation does with what is stored
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.T,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].T,
    8: lambda stored: np.rot90(stored),
}


def forms(frames: Frames, prepare: Prepare) -> Iterator[Form]:
    """Every form of a still, and the GIF and PNG that Pillow moves."""
    frame = frames[0]
    upright = prepare(frame[None])
    still, colour = Image.fromarray(frame), Image.fromarray(frame).convert("RGB")
    for orientation, turn in SHOWN.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        for file, loss in (("still.jpg", 0.001), ("still.png", None)):
            write = _saver(still, file, quality=95, exif=exif)
            expected = prepare(np.ascontiguousarray(turn(frame))[None])
            yield Form("PIL", f"EXIF orientation {orientation}, {file[6:]}", write, loss, expected)
    images = {
        "JPEG, grey": (still, "still.jpg", 0.001),
        "JPEG, RGB": (colour, "still.jpg", 0.001),
        "JPEG, CMYK": (colour.convert("CMYK"), "still.jpg", 0.005),
        "PNG, RGB": (colour, "still.png", 0.002),
        "PNG, palette": (still.convert("P"), "still.png", 0.002),
        "PNG, 16 bits": (Image.fromarray(frame.astype(np.uint16) * 257), "still.png", 0.004),
        "PNG, alpha": (_faded(frame), "still.png", 0.004),
        "GIF, one frame": (still, "still.gif", 0.002),
        "TIFF": (still, "still.tif", None),
        "BMP": (still, "still.bmp", None),
        "WebP": (colour, "still.webp", 0.01),
    }
    for name, (image, file, loss) in images.items():
        yield Form("PIL", name, _saver(image, file, quality=95), loss, upright)
    yield Form(
        "PIL",
        "JPEG, progressive",
        _saver(still, "still.jpg", quality=95, progressive=True),
        0.001,
        upright,
    )
    moving = [Image.fromarray(one) for one in frames]
    lasts = np.where(np.arange(len(frames)) < QUICK, 40, 120)
    slow = prepare(frames[np.repeat(np.arange(len(frames)), lasts // 40)])
    for file in ("clip.gif", "clip.png"):
        write = _saver(
            moving[0],
            file,
            save_all=True,
            append_images=moving[1:],
            duration=lasts.tolist(),
        )
        yield Form("PIL", f"slower from frame {QUICK} on, {file[5:]}", write, 0.002, slow)
    write = _saver(
        moving[0],
        "still.jpg",
        format="MPO",
        save_all=True,
        append_images=moving[1:2],
        quality=95,
    )
    yield Form("PIL", "JPEG with a second picture behind it (MPO)", write, 0.001, upright)


def _faded(frame: np.ndarray) -> Image.Image:
    """White whose alpha is the picture: on black it is the same."""
    return Image.merge("LA", (Image.new("L", frame.shape[::-1], 255), Image.fromarray(frame)))


def _saver(image: Image.Image, file: str, **options: Any) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        image.save(folder / file, **options)
        return folder / file

    return save
