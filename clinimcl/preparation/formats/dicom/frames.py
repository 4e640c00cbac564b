"""The header of a DICOM file → its frames as they are stored, if they are as it announces."""

import io
import struct
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from clinimcl.preparation.formats.dicom.codestreams import Announced, is_longer, read_jpeg, read_jpeg_2000
from clinimcl.preparation.formats.dicom.header import is_signed, reading
from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.video import decode_still

Item = TypeVar("Item")

RLE = "1.2.840.10008.1.2.5"
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
JPEG = "1.2.840.10008.1.2.4.50"  # baseline, 8 bits
EXTENDED = "1.2.840.10008.1.2.4.51"  # 8 bits, which is baseline, or 12
LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
HTJ2K = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203")
LOSSY = (JPEG, EXTENDED, JPEG_LS[1], JPEG_2000[1], HTJ2K[2])
PLUGINS = {  # of pydicom; gdcm, the one for lossless JPEG, ends the process on some damaged frames
    RLE: "pydicom",
    **dict.fromkeys(JPEG_LS, "pyjpegls"),
    **dict.fromkeys((*JPEG_2000, *HTJ2K), "pylibjpeg"),
}
END, FILL = b"\xff\xd9", b"\0\xff"  # of a JPEG of any kind, and what makes its bytes even
UNANNOUNCED = "damaged: the frames of the DICOM file are not those that its header announces"
NEEDS = "its pixels are compressed as {}: pip install 'clinimcl[dicom]' reads them, or save them uncompressed"
UNDECODED = "the pixels of the DICOM file do not decode"


class Frame(NamedTuple):
    """A frame as its file stores it; colours lie side by side, whatever the planar configuration."""

    words: Shaped[np.ndarray, "row column *colour"]
    colours: str  # photometric interpretation of `words`
    bits: int  # of a word that the codec keeps


def stored_type(header: Any) -> np.dtype[Any]:
    """Of the numbers in the file."""
    from pydicom.pixels.utils import pixel_dtype

    with reading(UNDECODED):
        return pixel_dtype(header).newbyteorder("=")


def check_readable(header: Any) -> None:
    """Refuse a compression that is not read here.

    Raises:
        UnusableScan: naming it, and what is to be done.
    """
    from pydicom.pixels import get_decoder

    syntax = header.file_meta.TransferSyntaxUID
    if syntax in (*NATIVE, JPEG, EXTENDED):
        return
    if syntax in LOSSLESS:
        _jpeg_decoder(syntax.name)
    elif syntax not in PLUGINS:
        raise UnusableScan(
            f"its pixels are compressed as {syntax.name}, which is not read: save them uncompressed (dcmtk's dcmdjpeg, "
            "gdcmconv --raw)"
        )
    elif PLUGINS[syntax] not in get_decoder(syntax).available_plugins:
        raise UnusableScan(NEEDS.format(syntax.name))


def _jpeg_decoder(name: str) -> Any:
    """Of lossless JPEG, and of JPEG of 12 bits."""
    try:
        from imagecodecs import jpeg8_decode
    except ImportError:
        raise UnusableScan(NEEDS.format(name)) from None
    return jpeg8_decode


def frames_of(header: Any) -> Iterator[Frame]:
    """Each frame of a file, in its order; sizes are compared before anything is decoded.

    Raises:
        UnusableScan: with the reason.
    """
    check_readable(header)
    syntax = header.file_meta.TransferSyntaxUID
    if syntax in NATIVE:
        return _native_frames(header)
    if syntax in (JPEG, EXTENDED, *LOSSLESS):
        return _jpeg_frames(header)
    return _plugin_frames(header)


def _native_frames(header: Any) -> Iterator[Frame]:
    """Nothing is copied that need not be."""
    from pydicom.pixels import pixel_array

    if int(header.SamplesPerPixel) > 1 and header.get("PlanarConfiguration") is None:
        raise UnusableScan("damaged: its header does not say how its colours lie (PlanarConfiguration)")
    with reading(UNDECODED):
        words = pixel_array(header, raw=True, view_only=True, correct_unused_bits=False, allow_excess_frames=False)
    colours = words.shape[-1:] if int(header.SamplesPerPixel) > 1 else ()
    shape = (int(header.NumberOfFrames), int(header.Rows), int(header.Columns), *colours)
    for frame in words.reshape(shape):
        yield Frame(frame, str(header.PhotometricInterpretation), int(header.BitsAllocated))


def _plugin_frames(header: Any) -> Iterator[Frame]:
    from pydicom.pixels import get_decoder

    syntax = header.file_meta.TransferSyntaxUID
    if syntax == RLE:
        _check_runs(header)
        announced = [Announced(0, 0, 0, int(header.BitsAllocated))] * int(header.NumberOfFrames)
    else:
        announced = [_checked(still.rstrip(FILL), header) for still in stills_of(header)]
    plugin = PLUGINS[syntax]
    pictures = get_decoder(syntax).iter_array(
        header,
        raw=True,
        correct_unused_bits=False,
        decoding_plugin=plugin,
        planar_configuration=0,  # which codecs know by themselves, whatever the header says
    )
    for still, (words, told) in zip(announced, _each(pictures, UNDECODED), strict=True):
        colours = "RGB" if still.transformed else str(told["photometric_interpretation"])
        yield Frame(words, colours, still.bits)


def _jpeg_frames(header: Any) -> Iterator[Frame]:
    syntax = header.file_meta.TransferSyntaxUID
    for padded in stills_of(header):
        content = padded.rstrip(FILL)
        still = _checked(content, header)
        if syntax in LOSSLESS or still.bits > 8:
            yield _exact_frame(content, still, header)
        else:
            yield _usual_frame(content, still, header)


def _exact_frame(content: bytes, still: Announced, header: Any) -> Frame:
    """A JPEG file of up to 16 bits, no colour of which is changed."""
    decode = _jpeg_decoder(header.file_meta.TransferSyntaxUID.name)
    with reading(UNDECODED):
        words = decode(content) if still.components == 1 else decode(content, colorspace="RGB", outcolorspace="RGB")
    if still.components == 1:
        return _grey_frame(words, header, still.bits)
    return Frame(words, "YBR_FULL" if _is_ycbcr(still, header) else "RGB", still.bits)


def _grey_frame(words: Shaped[np.ndarray, "row column"], header: Any, bits: int) -> Frame:
    """JPEG knows no signed numbers, DICOM does."""
    signed = words.view(words.dtype.str.replace("u", "i")) if is_signed(header) else words
    return Frame(signed, str(header.PhotometricInterpretation), bits)


def _usual_frame(content: bytes, still: Announced, header: Any) -> Frame:
    """As most scanners store loops; decoded like any other still, whose damages are seen."""
    grey = decode_still(content, int(header.Rows), int(header.Columns))
    if grey is None:
        raise UnusableScan(UNANNOUNCED)
    if still.components == 1:
        return _grey_frame(grey, header, 8)
    if _is_ycbcr(still, header):
        return Frame(grey, "MONOCHROME2", 8)
    return Frame(_untransformed(content, still), "RGB", 8)


def _is_ycbcr(still: Announced, header: Any) -> bool:
    """Markers of the file say what its components are; without any, DICOM's header does.

    Components of different sizes are YCbCr by any header: GDCM calls those RGB that it has made of RGB.

    Source: ITU-T T.872 section 6.5.3 (Adobe), T.871 (JFIF), DICOM PS3.5 section 8.2.1.
    """
    if still.adobe is not None:
        return still.adobe != 0
    if still.jfif:
        return True
    is_rgb = header.PhotometricInterpretation == "RGB" and not still.subsampled
    return still.identifiers.upper() != b"RGB" and not is_rgb


def _untransformed(content: bytes, still: Announced) -> Shaped[np.ndarray, "row column colour"]:
    with reading(UNDECODED), Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
        if still.adobe is None:  # Pillow takes components for YCbCr, and gives those as they are
            picture.draft("YCbCr" if still.identifiers.upper() != b"RGB" else "RGB", picture.size)
        return np.asarray(picture)


def _checked(still: bytes, header: Any) -> Announced:
    """What a compressed frame announces, which must be what DICOM's header does."""
    kind = header.file_meta.TransferSyntaxUID
    with reading(f"its pixels are compressed as {kind.name}, and a frame has no header of that kind"):
        announced = read_jpeg_2000(still) if kind in (*JPEG_2000, *HTJ2K) else read_jpeg(still)
    if not still.endswith(END):
        raise UnusableScan("truncated: a frame of the DICOM file ends early")
    size = (int(header.Rows), int(header.Columns))
    colours = (1, 3) if kind in (JPEG, EXTENDED) else (int(header.SamplesPerPixel),)
    if (announced.rows, announced.columns) != size or announced.components not in colours:
        raise UnusableScan(UNANNOUNCED)
    if announced.bits > int(header.BitsAllocated):
        raise UnusableScan(UNANNOUNCED)
    return announced


def _check_runs(header: Any) -> None:
    """pydicom writes runs out at full length, and only then compares that with a frame's."""
    most = 2 * int(header.Rows) * int(header.Columns)
    for still in stills_of(header):
        starts = [start for start in struct.unpack("<15L", still[4:64].ljust(60, b"\0")) if start]
        for start, end in pairwise([*starts, len(still)]):
            if is_longer(still[start:end], most):
                raise UnusableScan(UNANNOUNCED)


def _each(items: Iterator[Item], what: str) -> Iterator[Item]:
    """As they come, their flaws made reasons; while one is worked at, warnings are as before."""
    while True:
        with reading(what):
            item = next(items, None)
        if item is None:
            return
        yield item


def stills_of(header: Any) -> Iterator[bytes]:
    """The compressed frames, as many as the header announces.

    Raises:
        UnusableScan: there are fewer or more.
    """
    from pydicom.encaps import generate_frames

    announced, count = int(header.NumberOfFrames), 0
    extended = (header.get("ExtendedOffsetTable"), header.get("ExtendedOffsetTableLengths"))
    stills = generate_frames(
        header.PixelData, number_of_frames=announced, extended_offsets=extended if all(extended) else None
    )
    for still in islice(_each(stills, "the frames of the DICOM file do not part"), announced + 1):
        count += 1
        if count <= announced:
            yield still
    if count != announced:
        raise UnusableScan(UNANNOUNCED)
