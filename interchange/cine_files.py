"""Loops and stills in DICOM by pydicom, compressed, coloured and converted by dcmtk and gdcm."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import tools
from dicom_files import grey, save
from judging import Form
from originals import QUICK
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    UltrasoundMultiFrameImageStorage,
)
from video_codecs import H264, H265, LIMITED, MPEG2, RATE, Frames, Options, Prepare, encode

DCMTK = {
    "RLE": (("dcmcrle",), None),
    "JPEG lossless (.70)": (("dcmcjpeg", "+e1"), None),
    "JPEG-LS": (("dcmcjpls", "+el"), None),
    "JPEG baseline": (("dcmcjpeg", "+eb", "+q", "95"), 0.003),
    "deflated": (("dcmconv", "+td"), None),
}
GDCM = {
    "RLE": (("--rle",), None),
    "JPEG lossless": (("--jpeg",), None),
    "JPEG-LS": (("--jpegls",), None),
    "JPEG 2000": (("--j2k",), None),
    "JPEG baseline": (("--jpeg", "--lossy", "-q", "95"), 0.003),
}
FILMS = {
    "H.264": ("film.264", (*LIMITED, *H264), "1.2.840.10008.1.2.4.102"),
    "H.264 in mp4": ("film.mp4", (*LIMITED, *H264), "1.2.840.10008.1.2.4.102"),
    "H.265": ("film.265", (*LIMITED, *H265), "1.2.840.10008.1.2.4.107"),
    "MPEG-2": ("film.m2v", (*LIMITED, *MPEG2), "1.2.840.10008.1.2.4.100"),
}
LOST = {  # by dcmcjpeg, which says so nowhere
    "loop, RGB by planes, JPEG lossless (.70)": "it takes the planes of all frames for one's",
    "loop, MONOCHROME1, JPEG baseline": "it takes the least stored value from all",
}
Write = Callable[[Path], Path]


def forms(frames: Frames, prepare: Prepare) -> Iterator[Form]:
    """Every form of a loop and of a still in DICOM."""
    plain, colour, planar = _loop(frames), _colour(frames, 0), _colour(frames, 1)
    for name, loop, loss in (
        ("grey", plain, None),
        ("RGB", colour, 0.002),
        ("RGB by planes", planar, 0.002),
    ):
        yield Form("pydicom", f"loop, {name}", _saver(loop), loss)
        for syntax, (command, codec) in DCMTK.items():
            write = partial(_recompressed, _saver(loop), command)
            label = f"loop, {name}, {syntax}"
            yield Form("dcmtk", label, write, codec or loss, lost=LOST.get(label, ""))
        for syntax, (options, codec) in GDCM.items():
            write = partial(_recompressed, _saver(loop), ("gdcmconv", *options))
            yield Form("gdcm", f"loop, {name}, {syntax}", write, codec or loss)
    yield from _pydicom(frames, prepare)
    palette = partial(_recompressed, _saver(colour), ("dcmquant", "+pf"))
    yield Form("dcmtk", "loop, PALETTE COLOR by dcmquant", palette, 0.02)
    still = prepare(frames[:1])
    for file, loss in (("still.jpg", 0.003), ("still.bmp", 0.002)):
        yield Form(
            "dcmtk",
            f"img2dcm of {file[6:]}",
            partial(_img2dcm, frames[0], file),
            loss,
            still,
        )
    for file, options in (("still.png", ("+on",)), ("still.jpg", ("+oj", "+Jq", "100"))):
        write = partial(_recompressed, _saver(plain), ("dcmj2pnm", "+F", "1", *options), file=file)
        yield Form("dcmtk", f"dcmj2pnm to {file[6:]}", write, 0.003, still)


def _pydicom(frames: Frames, prepare: Prepare) -> Iterator[Form]:
    ybr = _colour(frames, 0)
    levels = np.stack([frames, np.full_like(frames, 128), np.full_like(frames, 128)], axis=-1)
    ybr.PhotometricInterpretation, ybr.PixelData = "YBR_FULL", levels.tobytes()
    yield Form("pydicom", "loop, YBR_FULL", _saver(ybr), 0.002)
    negative = _loop(255 - frames)
    negative.PhotometricInterpretation = "MONOCHROME1"
    yield Form("pydicom", "loop, MONOCHROME1", _saver(negative))
    label = "loop, MONOCHROME1, JPEG baseline"
    write = partial(_recompressed, _saver(negative), DCMTK["JPEG baseline"][0])
    yield Form("dcmtk", label, write, 0.003, lost=LOST[label])
    inverse = _loop(255 - frames)
    inverse.PresentationLUTShape = "INVERSE"
    yield Form("pydicom", "loop, Presentation LUT Shape INVERSE", _saver(inverse))
    deep = _loop(frames.astype(np.uint16) * 4)
    deep.BitsStored, deep.HighBit = 10, 9
    yield Form("pydicom", "loop, 10 bits of 16", _saver(deep), 0.004)
    windowed = _loop(frames.astype(np.uint16) * 4)
    windowed.WindowCenter, windowed.WindowWidth = 510, 1021
    yield Form("pydicom", "loop, 16 bits with a window of 10", _saver(windowed), 0.004)
    few = _loop(frames >> 1)
    few.BitsStored, few.HighBit = 7, 6
    yield Form("pydicom", "loop, 7 bits of 8", _saver(few), 0.006)
    yield Form("pydicom", "loop, big endian", _saver(_loop(frames, ExplicitVRBigEndian)))
    oblong = _loop(np.ascontiguousarray(frames[:, ::2]))
    oblong.PixelAspectRatio = [2, 1]
    yield Form("pydicom", "loop, Pixel Aspect Ratio 2:1", _saver(oblong), 0.02)
    regions = _loop(np.ascontiguousarray(frames[:, ::2]))
    regions.SequenceOfUltrasoundRegions = [_region()]
    yield Form("pydicom", "loop, Physical Delta Y twice X", _saver(regions), 0.02)
    lasts = np.where(np.arange(len(frames)) < QUICK, 40.0, 120.0)
    timed = _loop(frames)
    del timed.FrameTime
    timed.FrameTimeVector, timed.FrameIncrementPointer = [0.0, *lasts[:-1]], 0x00181065
    slow = prepare(frames[np.repeat(np.arange(len(frames)), (lasts // 40).astype(int))])
    yield Form(
        "pydicom",
        f"loop, Frame Time Vector, slower from frame {QUICK} on",
        _saver(timed),
        None,
        slow,
    )
    for name, (file, options, syntax) in FILMS.items():
        write = partial(_film, frames, file, options, syntax)
        yield Form("pydicom", f"loop, {name}", write, 0.003, needs=("ffmpeg",))


def _loop(pixels: np.ndarray, syntax: UID = ExplicitVRLittleEndian) -> Dataset:
    loop = grey(pixels, UltrasoundMultiFrameImageStorage, syntax)
    loop.NumberOfFrames, loop.FrameTime, loop.FrameIncrementPointer = (
        len(pixels),
        1000 / RATE,
        0x00181063,
    )
    loop.InstanceNumber = 1
    return loop


def _colour(frames: Frames, planar: int) -> Dataset:
    loop = _loop(frames)
    loop.SamplesPerPixel, loop.PhotometricInterpretation, loop.PlanarConfiguration = (
        3,
        "RGB",
        planar,
    )
    loop.PixelData = np.stack([frames] * 3, axis=1 if planar else -1).tobytes()
    return loop


def _region() -> Dataset:
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 319, 119
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.05, 0.1
    return region


def _saver(loop: Dataset) -> Write:
    def write(folder: Path) -> Path:
        save(loop, folder / "loop.dcm")
        return folder / "loop.dcm"

    return write


def _recompressed(
    write: Write,
    command: tuple[str, ...],
    folder: Path,
    file: str = "clip.dcm",
) -> Path:
    tools.run(*command, write(folder), folder / file)
    return folder / file


def _img2dcm(frame: np.ndarray, file: str, folder: Path) -> Path:
    Image.fromarray(frame).save(folder / file, quality=95)
    kind = ("-i", "BMP") if file.endswith("bmp") else ()
    tools.run("img2dcm", *kind, folder / file, folder / "still.dcm")
    return folder / "still.dcm"


def _film(frames: Frames, file: str, options: Options, syntax: str, folder: Path) -> Path:
    """What ffmpeg writes, in one fragment."""
    stream = encode(frames, file, options, folder)
    loop = _colour(frames, 0)
    loop.PhotometricInterpretation = "YBR_PARTIAL_420"
    loop.file_meta.TransferSyntaxUID = UID(syntax)
    loop.PixelData = encapsulate([stream.read_bytes()])
    loop["PixelData"].is_undefined_length = True
    save(loop, folder / "loop.dcm")
    return folder / "loop.dcm"
