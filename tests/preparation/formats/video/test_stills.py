import io
import struct

import numpy as np
import pytest
from PIL import Image

from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.stills import NO_UNIT, read_still

GREY = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 32)).astype(np.uint8))


def saved(kind, image=GREY, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[0x112] = orientation
    return tags


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
@pytest.mark.parametrize("behind", [b"", b"\0\0", b"\xff\xd9;IEND", saved("JPEG"), b"ftypisom" * 9])
def test_the_first_picture_ends_before_what_lies_behind(kind, behind):
    content = saved(kind)
    assert read_still(content + behind).end == len(content)


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_of_several_scans_or_with_restarts_ends_at_its_end(options):
    content = saved("JPEG", **options)
    assert read_still(content + saved("JPEG")).end == len(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_a_picture_that_does_not_end_is_truncated(kind):
    for missing in (1, 20, 200):
        with pytest.raises(UnusableScan, match="truncated: the end of the picture is missing"):
            read_still(saved(kind)[:-missing])


def test_the_end_of_another_picture_or_of_a_thumbnail_is_not_the_picture_s():
    whole = saved("JPEG")
    with pytest.raises(UnusableScan, match="truncated"):
        read_still(whole[:-50] + whole)
    thumbnail = b"\xff\xe1" + struct.pack(">H", len(whole) + 2) + whole
    with pytest.raises(UnusableScan, match="truncated"):
        read_still(whole[:2] + thumbnail + whole[2:-50])
    assert read_still(whole[:2] + thumbnail + whole[2:]).end == 2 * len(whole) + 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_the_orientation_is_that_of_the_exif_data(kind, orientation):
    assert read_still(saved(kind, exif=exif(orientation))).orientation == orientation


def test_exif_data_that_cannot_be_read_turns_nothing():
    content = saved("JPEG")
    damaged = b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\x01" * 9
    segment = b"\xff\xe1" + struct.pack(">H", len(damaged) + 2) + damaged
    assert read_still(content[:2] + segment + content[2:]).orientation == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_twice_as_many_rows_an_inch_make_a_pixel_twice_as_wide_as_high(kind):
    assert read_still(saved(kind, dpi=(100, 200))).aspect == pytest.approx(2, rel=1e-3)
    assert read_still(saved(kind)).aspect in (1, None)


def test_densities_without_a_unit_are_the_aspect_itself():
    content = bytearray(saved("JPEG"))
    content[13:18] = struct.pack(">BHH", 0, 16, 11)
    assert read_still(bytes(content)).aspect == pytest.approx(16 / 11)


def test_a_png_that_states_no_unit_is_remarked_on():
    content = bytearray(saved("PNG", dpi=(100, 200)))
    place = content.index(b"pHYs") + 4
    content[place : place + 9] = struct.pack(">IIB", 16, 11, 0)
    still = read_still(bytes(content))
    assert (still.aspect, still.remark) == (pytest.approx(16 / 11), NO_UNIT)


def test_a_gif_states_its_aspect_in_a_byte():
    content = bytearray(saved("GIF"))
    content[12] = 113
    assert read_still(bytes(content)).aspect == 2


def test_what_is_no_still_is_none():
    assert read_still(b"\0\0\0\x18ftypisom" * 9) is None


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\x00", b"\xff\xd0", b"\xff\xff\xd7"])
def test_a_tail_of_fillings_is_walked_through_once(filling):
    content = saved("JPEG")[:-2]
    tail = filling * (2**21 // len(filling))  # the square of which took hours
    with pytest.raises(UnusableScan, match="the end of the picture is missing"):
        read_still(content + tail)
    assert read_still(content + tail + b"\xff\xd9").end == len(content) + len(tail) + 2


def test_the_last_of_many_orientations_holds():
    first, last = (
        b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags for tags in (exif(3).tobytes(), exif(6).tobytes())
    )
    content = saved("JPEG")
    assert read_still(content[:2] + first + last + content[2:]).orientation == 6
