import io
import struct
import subprocess
import sys
from contextlib import suppress

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import uid
from pydicom.data import get_testdata_file

from clinimcl.preparation.formats.dicom import frames
from clinimcl.preparation.formats.dicom.dicom import decode_cine, decode_series
from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.video import decode_video
from tests.preparation.formats.dicom.test_dicom import LOOP, VOXELS, series, written
from tests.preparation.formats.video.test_video import H265, encoded, gradient

ROWS, COLUMNS = 32, 40
ACROSS, DOWN = np.meshgrid(np.arange(COLUMNS) * 6, np.arange(ROWS) * 7)
RGB = np.stack([ACROSS, DOWN, np.full_like(DOWN, 40)], -1).astype(np.uint8)
GREY = RGB @ [0.299, 0.587, 0.114]


def loop(stills, syntax, pixels, **tags):
    """A file of frames that are compressed already."""
    header = pydicom.dcmread(io.BytesIO(written(pixels, **tags)))
    header.file_meta.TransferSyntaxUID = syntax
    header.PixelData = pydicom.encaps.encapsulate([still + b"\0" * (len(still) % 2) for still in stills])
    header["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    return buffer.getvalue()


def jpeg(**options):
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


def without_markers(content):
    """Of applications: JFIF's and Adobe's."""
    kept, place = content[:2], 2
    while content[place + 1] != 0xDA:
        end = place + 2 + struct.unpack_from(">H", content, place + 2)[0]
        kept += b"" if content[place + 1] in (0xE0, 0xEE) else content[place:end]
        place = end
    return kept + content[place:]


def with_adobe(content, transform):
    return content[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform]) + content[2:]


def renamed(content, names):
    """With other identifiers of its three components."""
    frame, scan = content.index(b"\xff\xc0"), content.index(b"\xff\xda")
    content = bytearray(content)
    for index, name in enumerate(names):
        content[frame + 10 + 3 * index] = content[scan + 5 + 2 * index] = name
    return bytes(content)


YCBCR, PLAIN = without_markers(jpeg()), without_markers(jpeg(keep_rgb=True))
COLOURS = {
    "JFIF": (jpeg(), "YBR_FULL_422"),
    "JFIF against the header": (jpeg(), "RGB"),
    "YCbCr without markers": (YCBCR, "YBR_FULL_422"),
    "Adobe's YCbCr": (with_adobe(YCBCR, 1), "YBR_FULL_422"),
    "Adobe's YCbCr against the header": (with_adobe(YCBCR, 1), "RGB"),
    "Adobe's RGB": (with_adobe(renamed(PLAIN, (1, 2, 3)), 0), "RGB"),
    "Adobe's RGB against the header": (with_adobe(renamed(PLAIN, (1, 2, 3)), 0), "YBR_FULL_422"),
    "components R, G and B": (PLAIN, "RGB"),
    "components R, G and B against the header": (PLAIN, "YBR_FULL"),
    "RGB without markers": (renamed(PLAIN, (1, 2, 3)), "RGB"),
    "RGB of components 0, 1 and 2": (renamed(PLAIN, (0, 1, 2)), "RGB"),
    "an Adobe marker that is too short": (b"\xff\xd8\xff\xee\0\x0cAdobe\0\0\0\0\0" + PLAIN[2:], "RGB"),
}


@pytest.mark.parametrize("kind", COLOURS)
def test_a_jpeg_s_colours_are_those_of_its_markers_and_else_of_the_header(kind):
    still, photometric = COLOURS[kind]
    content = loop([still], uid.JPEGBaseline8Bit, RGB[None], PhotometricInterpretation=photometric)
    assert np.abs(decode_cine(content).frames[0] - GREY).max() <= 3


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("subsampling", ["4:2:2", "4:2:0", "4:1:1"])
def test_components_of_different_sizes_are_ycbcr_by_any_header(subsampling, photometric, syntax):
    still = renamed(without_markers(jpeg(subsampling=subsampling)), (0, 1, 2))  # as GDCM writes it
    content = loop([still], syntax, RGB[None], PhotometricInterpretation=photometric)
    assert np.abs(decode_cine(content).frames[0] - GREY).max() <= 3


def test_adobe_s_marker_says_rgb_of_components_of_different_sizes_too():
    green = np.full_like(RGB, (40, 200, 90))
    buffer = io.BytesIO()
    Image.fromarray(green).convert("YCbCr").save(buffer, "JPEG", quality=95, subsampling="4:2:0")
    still = with_adobe(without_markers(buffer.getvalue()), 0)
    shown = decode_cine(loop([still], uid.JPEGBaseline8Bit, green[None], PhotometricInterpretation="RGB")).frames
    stored = np.asarray(Image.fromarray(green).convert("YCbCr"))[0, 0]
    assert np.abs(shown - stored @ [0.299, 0.587, 0.114]).max() <= 3


def test_bytes_that_fill_up_a_frame_are_not_its_end():
    content = loop([jpeg() + b"\xff\0\0\xff"], uid.JPEGBaseline8Bit, RGB[None])
    assert np.abs(decode_cine(content).frames[0] - GREY).max() <= 3


def random(bits, kind):
    least = -(2 ** (bits - 1)) if kind == np.int16 else 0
    numbers = np.random.default_rng(bits).integers(least, least + 2**bits, (2, 24, 32))
    return numbers.astype(kind), {"BitsStored": bits, "HighBit": bits - 1}


def lossless_jpeg(frame, bits):
    words = frame.view(np.uint16) & np.uint16(2**bits - 1) if frame.itemsize > 1 else frame
    return imagecodecs.jpeg8_encode(words, lossless=True, bitspersample=bits, predictor=bits % 7 + 1)


CODECS = {
    "JPEG lossless": (uid.JPEGLosslessSV1, lossless_jpeg),
    "JPEG lossless, any predictor": (uid.JPEGLossless, lossless_jpeg),
    "JPEG-LS": (uid.JPEGLSLossless, lambda frame, bits: imagecodecs.jpegls_encode(frame.view(f"u{frame.itemsize}"))),
    "JPEG 2000": (
        uid.JPEG2000Lossless,
        lambda frame, bits: imagecodecs.jpeg2k_encode(
            frame, level=0, codecformat="j2k", reversible=True, bitspersample=bits
        ),
    ),
    "JPEG 2000 in a file of its own": (
        uid.JPEG2000Lossless,
        lambda frame, bits: imagecodecs.jpeg2k_encode(
            frame, level=0, codecformat="jp2", reversible=True, bitspersample=bits
        ),
    ),
}


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (12, np.uint16), (16, np.uint16), (12, np.int16)])
@pytest.mark.parametrize("codec", CODECS)
def test_a_lossless_codec_changes_nothing(codec, bits, kind):
    (pixels, tags), (syntax, encode) = random(bits, kind), CODECS[codec]
    content = loop([encode(frame, bits) for frame in pixels], syntax, pixels, **tags)
    assert np.array_equal(decode_cine(content).frames, decode_cine(written(pixels, **tags)).frames)


@pytest.mark.parametrize("codec", CODECS)
def test_a_series_of_compressed_slices_is_the_one_of_its_voxels(codec):
    syntax, encode = CODECS[codec]
    voxels = np.random.default_rng(0).integers(-2048, 2048, (24, 24, 3)).astype(np.int16)
    files = []
    for content in series(voxels, BitsStored=12, HighBit=11):
        header = pydicom.dcmread(io.BytesIO(content))
        still = encode(header.pixel_array, 12)
        header.file_meta.TransferSyntaxUID = syntax
        header.PixelData = pydicom.encaps.encapsulate([still + b"\0" * (len(still) % 2)])
        header["PixelData"].VR = "OB"
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, header)
        files.append(buffer.getvalue())
    assert np.array_equal(decode_series(files).voxels, decode_series(series(voxels)).voxels)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_RCT", "YBR_FULL"])
def test_jpeg_2000_undoes_its_own_transform_of_colours(photometric):
    still = imagecodecs.jpeg2k_encode(RGB, level=0, codecformat="j2k", reversible=True, mct=True)
    content = loop([still], uid.JPEG2000Lossless, RGB[None], PhotometricInterpretation=photometric)
    assert np.abs(decode_cine(content).frames[0] - GREY).max() <= 1


def test_white_that_a_lossy_codec_makes_whiter_stays_white():
    pixels = np.full((1, 16, 16), 1023, np.uint16)
    still = imagecodecs.jpegls_encode(pixels[0] + 1)  # what an error of one may leave
    content = loop([still], uid.JPEGLSNearLossless, pixels, BitsStored=10, HighBit=9)
    assert (decode_cine(content).frames == 255).all()


@pytest.mark.parametrize("bits", [8, 12])
def test_extended_jpeg_is_read_whatever_its_bits(bits):
    ramp = np.tile(np.linspace(0, 2**bits - 1, 64), (1, 16, 1)).astype(np.uint8 if bits == 8 else np.uint16)
    still = imagecodecs.jpeg8_encode(ramp[0], level=98, bitspersample=bits)
    tags = {"BitsStored": bits, "HighBit": bits - 1}
    shown = decode_cine(loop([still], uid.JPEGExtended12Bit, ramp, **tags)).frames
    assert np.abs(shown.astype(int) - decode_cine(written(ramp, **tags)).frames).max() <= 2


def test_signed_numbers_in_jpeg_keep_their_sign():
    pixels = np.full((1, 16, 16), -100, np.int16)
    still = imagecodecs.jpeg8_encode(pixels[0].view(np.uint16) & np.uint16(4095), level=98, bitspersample=12)
    tags = {"BitsStored": 12, "HighBit": 11}
    shown = decode_cine(loop([still], uid.JPEGExtended12Bit, pixels, **tags)).frames
    assert np.abs(shown.astype(int) - decode_cine(written(pixels, **tags)).frames).max() <= 1


FILMS = {
    "MPEG-2": (uid.MPEG2MPML, "mpegts", "mpeg2video"),
    "H.264 in mp4": (uid.MPEG4HP41, "mp4", "libx264"),
    "H.264 in a transport stream": (uid.MPEG4HP41, "mpegts", "libx264"),
    "bare H.264": (uid.MPEG4HP41, "h264", "libx264"),
    "bare H.265": (uid.HEVCMP51, "hevc", "libx265"),
}


@pytest.mark.parametrize("film", FILMS)
@pytest.mark.parametrize("pieces", [1, 3])
def test_a_film_is_the_video_that_it_is(film, pieces):
    syntax, container, codec = FILMS[film]
    video = encoded(gradient(), container, codec, options=H265 if codec == "libx265" else {})
    expected = decode_video(video).frames
    content = loop([video], syntax, np.zeros((*expected.shape, 3), np.uint8))
    header = pydicom.dcmread(io.BytesIO(content))
    header.PixelData = pydicom.encaps.encapsulate([video + b"\0" * (len(video) % 2)], fragments_per_frame=pieces)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    assert np.array_equal(decode_cine(buffer.getvalue()).frames, expected)


def test_a_film_takes_its_times_and_the_shape_of_its_pixels_from_dicom_s_header():
    pixels = np.zeros((*gradient().shape, 3), np.uint8)
    tags = {"FrameTime": 50, "PixelAspectRatio": ["1", "2"]}
    clip = decode_cine(loop([encoded(gradient(), "mp4", "libx264")], uid.MPEG4HP41, pixels, **tags))
    assert clip.frames.shape == (6, 32, 64)
    assert np.allclose(clip.edges, np.arange(7) * 0.05)


def test_a_film_of_fewer_frames_than_announced_is_truncated():
    video = encoded(gradient(), "mp4", "libx264")
    pixels = np.zeros((3 * len(gradient()), 32, 32, 3), np.uint8)
    with pytest.raises(UnusableScan, match=r"truncated: .* frames of the film decode, and its DICOM header announces"):
        decode_cine(loop([video], uid.MPEG4HP41, pixels))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("JPEG2000.dcm", None),
        ("693_J2KI.dcm", None),
        ("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_gdcm_KY.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_jls_lossy_line.dcm", "SC_rgb_rle.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("JPGExtended.dcm", None),
        ("image_dfl.dcm", None),
    ],
)
def test_files_of_other_writers_are_what_their_originals_are(name, other):
    def shown(name):
        with open(get_testdata_file(name), "rb") as file:
            return decode_cine(file.read()).frames.astype(int)

    found = shown(name)
    assert found.max() > found.min()
    if other:
        assert np.abs(found - shown(other)).mean() <= 2  # of a lossy codec, at hard edges


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_of_another_size_is_not_decoded(codec):
    syntax, encode = CODECS[codec]
    content = loop([encode(np.zeros((64, 64), np.uint8), 8)], syntax, np.zeros((1, 32, 32), np.uint8))
    with pytest.raises(UnusableScan, match=frames.UNANNOUNCED):
        decode_cine(content)


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_that_ends_early_is_truncated(codec):
    syntax, encode = CODECS[codec]
    content = loop([encode(LOOP[0], 8)[:-6]], syntax, LOOP[:1])
    with pytest.raises(UnusableScan, match="truncated: a frame of the DICOM file ends early"):
        decode_cine(content)


@pytest.mark.parametrize("codec", CODECS)
def test_flipped_bytes_of_frames_end_in_a_clip_or_a_reason(codec):
    pixels, generator = random(8, np.uint8)[0], np.random.default_rng(0)
    syntax, encode = CODECS[codec]
    content = loop([encode(frame, 8) for frame in pixels], syntax, pixels)
    read = 0
    for _ in range(60):
        damaged = bytearray(content)
        damaged[int(generator.integers(len(content) - 2 * 24 * 32, len(content)))] ^= int(generator.integers(1, 256))
        with suppress(UnusableScan):
            read += decode_cine(bytes(damaged)).frames.shape == pixels.shape
    assert read < 60


WITHOUT = """
import sys
for package in ("imagecodecs", "jpeg_ls", "pylibjpeg", "openjpeg"):
    sys.modules[package] = None
from clinimcl.preparation.formats.dicom.dicom import decode_cine
from clinimcl.preparation.formats.reading import UnusableScan
try:
    decode_cine(sys.stdin.buffer.read())
except UnusableScan as unusable:
    print(unusable)
"""


@pytest.mark.parametrize("codec", ["JPEG lossless", "JPEG-LS", "JPEG 2000"])
def test_without_the_extra_the_sentence_names_it(codec):
    syntax, encode = CODECS[codec]
    content = loop([encode(LOOP[0], 8)], syntax, LOOP[:1])
    said = subprocess.run([sys.executable, "-c", WITHOUT], input=content, capture_output=True, check=True).stdout
    assert said.decode().startswith(f"its pixels are compressed as {syntax.name}: pip install 'clinimcl[")


def test_planes_of_colours_are_read_as_pixels_of_colours():
    planes = np.ascontiguousarray(RGB.transpose(2, 0, 1)).tobytes()
    content = written(RGB[None], PlanarConfiguration=1, PixelData=planes)
    assert np.abs(decode_cine(content).frames[0] - GREY).max() <= 1


def test_colours_whose_order_nobody_says_are_unusable():
    with pytest.raises(UnusableScan, match="does not say how its colours lie"):
        decode_cine(written(RGB[None], PlanarConfiguration=None))


@pytest.mark.parametrize("planes", [0, 1, None])
@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.JPEGLSLossless, uid.RLELossless])
def test_codecs_know_the_order_of_colours_whatever_the_header_says(syntax, planes):
    header = pydicom.dcmread(io.BytesIO(written(RGB[None])))
    header.compress(syntax, encoding_plugin="pydicom" if syntax == uid.RLELossless else "")
    header.PlanarConfiguration = planes
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    assert np.abs(decode_cine(buffer.getvalue()).frames[0] - GREY).max() <= 1


def test_a_series_in_colour_is_refused():
    with pytest.raises(UnusableScan, match="several frames or colours"):
        decode_series(series(VOXELS) + [written(RGB[None])])
