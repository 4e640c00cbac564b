import numpy as np
import pytest
from pydicom.dataset import Dataset

from clinimcl.preparation.formats.dicom.dicom import decode_cine, decode_series
from clinimcl.preparation.formats.dicom.pixels import UNWINDOWED
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.formats.dicom.test_dicom import VOXELS, series, written

SHOWN = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (2, 10, 1))  # a screen's grey, 2 frames of 10 × 64


def frames(pixels, **tags):
    return decode_cine(written(pixels, **tags)).frames


def stored(bits, kind=np.uint16):
    """The same greys in so many bits, and the tags that tell."""
    return np.rint(SHOWN / 255 * (2**bits - 1)).astype(kind), {"BitsStored": bits, "HighBit": bits - 1}


@pytest.mark.parametrize(("bits", "kind"), [(7, np.uint8), (8, np.uint8), (10, np.uint16), (12, np.uint16)])
def test_the_bits_stored_go_from_black_to_white(bits, kind):
    pixels, tags = stored(bits, kind)
    assert np.abs(frames(pixels, **tags).astype(int) - SHOWN).max() <= 256 / 2**bits + 1


def test_bits_above_those_stored_are_no_grey():
    pixels, tags = stored(12)
    assert np.array_equal(frames(pixels | 0x8000, **tags), frames(pixels, **tags))


def test_pixels_that_lie_in_the_upper_bits_are_found_by_the_high_bit():
    pixels, tags = stored(12)
    upper = frames((pixels << 4) | 5, BitsStored=12, HighBit=15)
    assert np.array_equal(upper, frames(pixels, **tags))


def test_signed_pixels_go_from_the_least_number_to_the_greatest():
    pixels, _ = stored(12)
    signed = (pixels.astype(np.int16) - 2048).astype(np.int16)
    assert np.array_equal(frames(signed, BitsStored=12, HighBit=11), frames(pixels, BitsStored=12, HighBit=11))


def test_a_high_bit_below_the_bits_stored_is_damage():
    with pytest.raises(UnusableScan, match="its pixels have 12 bits of 16, the highest of which is bit 9"):
        frames(stored(12)[0], BitsStored=12, HighBit=9)


WINDOWS = {
    "linear": {"WindowCenter": 512, "WindowWidth": 1024},
    "exact": {"WindowCenter": 511.5, "WindowWidth": 1023, "VOILUTFunction": "LINEAR_EXACT"},
    "the first of two": {"WindowCenter": [512, 9], "WindowWidth": [1024, 4]},
    "after a rescale": {"WindowCenter": 512, "WindowWidth": 2048, "RescaleSlope": 2, "RescaleIntercept": -511},
}


@pytest.mark.parametrize("window", WINDOWS)
def test_deep_loops_are_seen_through_their_window(window):
    clip = decode_cine(written(stored(10)[0], **WINDOWS[window]))
    assert np.abs(clip.frames.astype(int) - SHOWN).max() <= 1
    assert clip.remark == ""


def test_a_sigmoid_window_is_one():
    tags = {"WindowCenter": 512, "WindowWidth": 512, "VOILUTFunction": "SIGMOID"}
    expected = 255 / (1 + np.exp(-4 * (stored(10)[0].astype(float) - 512) / 512))
    assert np.abs(frames(stored(10)[0], **tags) - expected).max() <= 0.5 + 1e-9


def test_a_falling_slope_turns_grey_round_with_a_window_and_without():
    pixels = stored(10)[0]
    windowed = frames(1023 - pixels, RescaleSlope=-1, RescaleIntercept=1023, WindowCenter=512, WindowWidth=1024)
    bare = frames(255 - SHOWN, RescaleSlope=-1, RescaleIntercept=255)
    assert np.abs(windowed.astype(int) - SHOWN).max() <= 1
    assert np.array_equal(bare, SHOWN)


def test_the_window_of_8_bits_is_not_looked_through():
    assert np.array_equal(frames(SHOWN, WindowCenter=50, WindowWidth=10), SHOWN)


def test_a_deep_loop_without_a_window_is_said_to_be_one():
    assert decode_cine(written(stored(10)[0])).remark == UNWINDOWED
    assert decode_cine(written(SHOWN)).remark == ""


@pytest.mark.parametrize("width", [0, "", 0.5])
def test_a_window_that_none_can_look_through_counts_as_none(width):
    pixels, tags = stored(12)
    assert np.array_equal(frames(pixels, WindowCenter=9, WindowWidth=width, **tags), frames(pixels, **tags))


def table(levels, bits, first=0, kind="US"):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(levels) % 2**16, first, bits])
    item.add_new("LUTData", kind, levels if kind == "US" else np.array(levels, "<u2").tobytes())
    return [item]


@pytest.mark.parametrize("kind", ["US", "OW"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_table_is_a_window_too(kind, bits):
    levels = [int(level) for level in np.rint(np.linspace(0, 2**bits - 1, 1024))]
    shown = frames(stored(10)[0], VOILUTSequence=table(levels, bits, kind=kind))
    assert np.abs(shown.astype(int) - SHOWN).max() <= 1


def test_a_modality_s_table_comes_before_the_window():
    squared = [int(value**2 // 1023) for value in range(1024)]
    shown = frames(
        stored(10)[0], BitsStored=10, HighBit=9, ModalityLUTSequence=table(squared, 10), WindowCenter=512,
        WindowWidth=1024,
    )  # fmt: skip
    assert np.abs(shown.astype(int) - (SHOWN / 255.0) ** 2 * 255).max() <= 2


@pytest.mark.parametrize("way", ["MONOCHROME1", "INVERSE", "both"])
def test_what_says_that_the_least_is_white_is_turned_round_once(way):
    tags = {} if way == "INVERSE" else {"PhotometricInterpretation": "MONOCHROME1"}
    tags |= {} if way == "MONOCHROME1" else {"PresentationLUTShape": "INVERSE"}
    assert np.array_equal(frames(255 - SHOWN, **tags), SHOWN)


def test_an_identity_leaves_grey_as_it_is():
    assert np.array_equal(frames(SHOWN, PresentationLUTShape="IDENTITY"), SHOWN)


def palette(entries, bits=16, first=0, segments=False, words=True):
    tags = {}
    for index, colour in enumerate(("Red", "Green", "Blue")):
        levels = np.array(entries)[:, index]
        data = levels.astype("<u2").tobytes() if words else levels.astype("u1").tobytes()
        if segments:
            data = np.array([0, 1, levels[0], 1, len(levels) - 1, levels[-1]], "<u2").tobytes()
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [len(entries) % 2**16, first, bits]
        tags[f"{'Segmented' if segments else ''}{colour}PaletteColorLookupTableData"] = data
    return {"PhotometricInterpretation": "PALETTE COLOR", **tags}


GREYS = np.arange(256)[:, None].repeat(3, 1)


@pytest.mark.parametrize(
    "tags",
    [
        palette(GREYS * 257),
        palette(GREYS, bits=8),
        palette(GREYS, bits=8, words=False),
        palette(GREYS * 257, segments=True),
    ],
    ids=["16 bits", "8 bits in words", "8 bits", "segments"],
)
def test_a_palette_of_greys_is_the_grey_itself(tags):
    assert np.array_equal(frames(SHOWN, **tags), SHOWN)


def test_a_palette_s_colours_become_the_grey_of_a_screen():
    colours = np.random.default_rng(0).integers(0, 256, (256, 3))
    expected = (colours @ [0.299, 0.587, 0.114])[SHOWN]
    assert np.abs(frames(SHOWN, **palette(colours * 257)) - expected).max() <= 1


def test_a_palette_of_bytes_has_more_than_256_entries():
    entries = np.linspace(0, 255, 1024).round().astype(int)[:, None].repeat(3, 1)
    assert np.abs(frames(stored(10)[0], **palette(entries, bits=8, words=False)).astype(int) - SHOWN).max() <= 1


def test_numbers_outside_of_a_palette_take_its_ends():
    shown = frames(SHOWN, **palette(GREYS[:100] * 257, first=50))
    assert np.array_equal(shown, np.clip(SHOWN.astype(int) - 50, 0, 99))


def test_a_palette_that_unfolds_to_more_than_it_announces_is_not_unfolded():
    tags = palette(GREYS * 257, segments=True)
    for colour in ("Red", "Green", "Blue"):
        tags[f"Segmented{colour}PaletteColorLookupTableData"] += np.array([1, 65535, 9] * 1000, "<u2").tobytes()
    with pytest.raises(UnusableScan, match="its palette has more than 256 entries, and its header announces 256"):
        frames(SHOWN, **tags)


def test_segments_without_entries_are_not_walked_through():
    tags = palette(GREYS * 257, segments=True)
    tags["SegmentedRedPaletteColorLookupTableData"] = bytes(2**16)
    with pytest.raises(UnusableScan, match="its palette has a segment without entries"):
        frames(SHOWN, **tags)


def test_a_supplemental_palette_is_refused():
    with pytest.raises(UnusableScan, match="supplemental palette"):
        frames(SHOWN, PixelPresentation="COLOR")


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_of_a_loop_is_black(kind):
    pixels = np.full((1, 8, 8), 100, np.uint8)
    pixels[0, :2], pixels[0, 2] = 200, 202
    shown = frames(pixels, PhotometricInterpretation=kind, PixelPaddingValue=200, PixelPaddingRangeLimit=202)
    assert (shown[0, :3] == 0).all() and (shown[0, 3:] == (155 if kind == "MONOCHROME1" else 100)).all()


def test_deep_colours_become_grey():
    colours = np.stack([stored(12)[0]] * 3, -1)
    assert np.abs(frames(colours, BitsStored=12, HighBit=11).astype(int) - SHOWN).max() <= 1


def test_a_colour_space_that_is_not_read_is_named():
    with pytest.raises(UnusableScan, match="its pixels are HSV of type uint8"):
        frames(np.stack([SHOWN] * 3, -1), PhotometricInterpretation="HSV")


def volume(voxels=VOXELS, **tags):
    return decode_series(series(voxels, **tags)).voxels


@pytest.mark.parametrize("tags", [{"PhotometricInterpretation": "MONOCHROME1"}, {"PresentationLUTShape": "INVERSE"}])
@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_an_inverted_series_is_turned_round_as_a_whole(tags, kind):
    voxels = VOXELS.astype(kind)
    assert np.array_equal(volume(voxels.max() - voxels, **tags), volume() - voxels.min())


def test_an_inverted_series_whose_numbers_fill_their_type_does_not_wrap():
    voxels = np.random.default_rng(0).integers(-(2**15), 2**15, VOXELS.shape).astype(np.int16)
    upright = volume(voxels).astype(int)
    assert np.array_equal(volume(voxels, PhotometricInterpretation="MONOCHROME1"), upright.max() - upright)


PADDED = VOXELS.copy()
PADDED[:, :2] = -2000
SIGNAL = PADDED != -2000


@pytest.mark.parametrize(
    "tags",
    [
        {"PixelPaddingValue": -2000},
        {"PixelPaddingValue": -2010, "PixelPaddingRangeLimit": -1990},
        {"PixelPaddingValue": -1990, "PixelPaddingRangeLimit": -2010},
        {"PixelPaddingValue": -2000, "BitsStored": 12, "HighBit": 11},
    ],
    ids=["a value", "a range", "a range downwards", "12 bits"],
)
def test_padding_of_a_series_is_as_dark_as_the_darkest_signal(tags):
    expected = np.where(SIGNAL, PADDED, PADDED[SIGNAL].min())
    assert np.array_equal(volume(PADDED, **tags), volume(expected))


def test_padding_of_a_series_is_scaled_with_its_slices():
    expected = np.where(SIGNAL, PADDED, PADDED[SIGNAL].min()).astype(np.float32) * 2 - 7
    found = volume(PADDED, PixelPaddingValue=-2000, RescaleSlope=2, RescaleIntercept=-7)
    assert np.array_equal(np.sort(found.ravel()), np.sort(expected.ravel()))


def test_padding_of_an_inverted_series_is_dark():
    bright = VOXELS.copy()
    bright[:, :2] = 3000
    expected = np.where(bright == 3000, 0, bright[bright < 3000].max() - bright)
    found = volume(bright, PixelPaddingValue=3000, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(found, volume(expected.astype(np.int16)))


def test_padding_that_the_stored_bits_cannot_hold_is_found_in_the_whole_words():
    words = np.where(SIGNAL, PADDED, 0).astype(np.uint16)
    words[~SIGNAL] = 63536
    found = volume(words, PixelPaddingValue=63536, BitsStored=12, HighBit=11)
    assert np.array_equal(found, volume(np.where(SIGNAL, PADDED, PADDED[SIGNAL].min())))


def test_a_series_of_nothing_but_padding_holds_no_signal():
    with pytest.raises(UnusableScan, match="every pixel is padding"):
        volume(np.full_like(VOXELS, 7), PixelPaddingValue=7)


def test_a_modality_s_table_scales_a_series():
    levels = [value * 3 % 5000 for value in range(1024)]
    found = volume(VOXELS.astype(np.uint16), ModalityLUTSequence=table(levels, 16))
    assert np.array_equal(found, volume(np.array(levels, np.int16)[VOXELS]))


def test_a_series_with_a_palette_becomes_its_greys():
    voxels = (VOXELS // 4).astype(np.uint8)
    assert np.array_equal(volume(voxels, **palette(GREYS[::-1] * 257)), 255 - volume(voxels))
