import io
import struct
import tracemalloc
import warnings

import av
import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.formats.dicom.dicom import decode_cine, decode_series
from clinimcl.preparation.formats.dicom.header import read_header
from clinimcl.preparation.formats.reading import UnusableScan, decode_nifti
from clinimcl.preparation.pipeline import FieldOfView

SHAPE = (6, 7, 5)  # columns, rows, slices
SPACING = (10.0, 12.0, 14.0)  # mm between columns, rows, slices
ROW = np.array([0.0, 0.8, -0.6])  # direction along a row of pixels, left, posterior, superior
COLUMN = np.array([-0.1, 0.6, 0.8]) / np.linalg.norm([-0.1, 0.6, 0.8])
COLUMN = COLUMN - ROW * (ROW @ COLUMN)
COLUMN /= np.linalg.norm(COLUMN)
NORMAL = np.cross(ROW, COLUMN)
ORIGIN = np.array([31.0, -22.0, 13.0])
VOXELS = np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16)


def written(pixels, compressed=False, **tags):
    """A DICOM file of pixels (rows, columns), (frame, rows, columns) or (frame, rows, columns, colour)."""
    header = pydicom.Dataset()
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    header.PatientName, header.SeriesInstanceUID = "NOBODY^KNOWN", "1.2.4"
    header.Rows, header.Columns = pixels.shape[:2] if pixels.ndim == 2 else pixels.shape[1:3]
    header.SamplesPerPixel = pixels.shape[3] if pixels.ndim == 4 else 1
    header.PhotometricInterpretation = "RGB" if pixels.ndim == 4 else "MONOCHROME2"
    if pixels.ndim > 2:
        header.NumberOfFrames = len(pixels)
    if pixels.ndim == 4:
        header.PlanarConfiguration = 0
    header.BitsAllocated = header.BitsStored = 8 * pixels.itemsize
    header.HighBit, header.PixelRepresentation = 8 * pixels.itemsize - 1, int(pixels.dtype.kind == "i")
    header.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(header, name, value)
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    if compressed:
        header.compress(RLELossless)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header, enforce_file_format=True)
    return buffer.getvalue()


def series(voxels=VOXELS, places=None, **tags):
    """A file a slice, in shuffled order."""
    places = SPACING[2] * np.arange(voxels.shape[2]) if places is None else places
    files = []
    for index, place in enumerate(places):
        geometry = {
            "PixelSpacing": [SPACING[1], SPACING[0]],
            "ImageOrientationPatient": [f"{value:.12f}" for value in [*ROW, *COLUMN]],
            "ImagePositionPatient": [f"{value:.10f}" for value in ORIGIN + place * NORMAL],
        }
        files.append(written(np.ascontiguousarray(voxels[:, :, index].T), **(geometry | tags)))
    return [files[index] for index in np.random.default_rng(1).permutation(len(files))]


def directory():
    """A DICOMDIR."""
    return written(np.zeros((2, 2), np.uint8), SOPClassUID="1.2.840.10008.1.3.10")


def nifti(voxels=VOXELS, slope=1.0):
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([ROW, COLUMN, NORMAL]) * SPACING
    affine[:3, 3] = ORIGIN
    header = nib.Nifti1Image(voxels, np.diag([-1, -1, 1, 1]) @ affine).header
    header.set_slope_inter(slope, 0.0)
    header["magic"], header["vox_offset"] = b"n+1", 352
    return header.binaryblock + bytes(4) + voxels.tobytes(order="F")


def test_a_series_is_the_same_scan_as_its_nifti():
    ours, theirs = decode_series(series()), decode_nifti(nifti())
    assert np.array_equal(ours.voxels, theirs.voxels)
    assert np.allclose(ours.spacing, theirs.spacing, rtol=1e-6)


def test_a_series_and_its_nifti_prepare_to_equal_arrays():
    pipeline = FieldOfView(grid=12, spacing=None, field_of_view=90.0, percentile=99.5, align="none")
    voxels = np.random.default_rng(0).integers(0, 1000, (12, 13, 14)).astype(np.int16)
    ours, theirs = pipeline.prepare(decode_series(series(voxels))), pipeline.prepare(decode_nifti(nifti(voxels)))
    assert np.allclose(ours, theirs, rtol=0, atol=5e-4)  # one step of float16: NIfTI keeps its affine in float32


def test_slope_and_intercept_are_applied():
    scan = decode_series(series(RescaleSlope=2.5, RescaleIntercept=-100))
    assert np.array_equal(scan.voxels, decode_nifti(nifti()).voxels.astype(np.float32) * 2.5 - 100)


def test_a_missing_slice_is_unusable():
    with pytest.raises(UnusableScan, match="a slice is missing: gaps between slices go from 14 to 28 mm"):
        decode_series(series(VOXELS[:, :, :4], places=[0, 14, 28, 56]))


def test_a_slice_that_is_there_twice_is_unusable():
    with pytest.raises(UnusableScan, match="two slices at one place"):
        decode_series(series(VOXELS[:, :, :4], places=[0, 14, 14, 28]))


def test_a_single_slice_is_unusable():
    with pytest.raises(UnusableScan, match="fewer than 2 slices"):
        decode_series(series()[:1])


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (series(SeriesInstanceUID="9.9"), "SeriesInstanceUID"),
        (series(VOXELS[:, :-1]), "Rows"),
        (series(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]), "ImageOrientationPatient"),
    ],
    ids=["series", "shapes", "orientations"],
)
def test_mixed_series_are_unusable(other, name):
    with pytest.raises(UnusableScan, match=f"its slices differ in {name}: several series are mixed"):
        decode_series([*series(), other[0]])


def test_a_slice_without_a_place_is_unusable():
    with pytest.raises(UnusableScan, match="no readable ImagePositionPatient"):
        decode_series([*series(), *series(ImagePositionPatient=None)[:1]])


def test_no_name_is_ever_loaded():
    assert "PatientName" not in read_header(series()[0])


LOOP = np.random.default_rng(2).integers(0, 256, (3, 10, 12)).astype(np.uint8)


def test_a_cine_loop_is_a_clip():
    assert np.array_equal(decode_cine(written(LOOP)).frames, LOOP)


def test_a_file_is_known_by_its_content_whatever_its_name():
    assert np.array_equal(decode("1.2.840.113619.2.5", [written(LOOP)]).frames, LOOP)
    for other in (directory(), b"text" * 99, b""):
        with pytest.raises(UnusableScan, match=r"tells no format that is read: .*or be a DICOM file"):
            decode("IM-0001", [other])


def test_a_single_frame_is_a_still():
    assert np.array_equal(decode_cine(written(LOOP[0])).frames, LOOP[:1])


def test_pydicom_s_own_decoder_reads_run_lengths():
    assert np.array_equal(decode_cine(written(LOOP, compressed=True)).frames, LOOP)


def test_sixteen_bits_become_eight():
    deep = LOOP.astype(np.uint16) << 4
    assert np.array_equal(decode_cine(written(deep, BitsStored=12, HighBit=11)).frames, LOOP)


def test_an_inverted_loop_is_turned_back():
    assert np.array_equal(decode_cine(written(LOOP, PhotometricInterpretation="MONOCHROME1")).frames, 255 - LOOP)


@pytest.mark.parametrize("kind", ["RGB", "YBR_FULL"])
def test_colours_become_grey(kind):
    colours = np.full((*LOOP.shape, 3), 128, np.uint8)
    colours[..., 0] = LOOP  # YBR_FULL: the luma, without colour
    if kind == "RGB":
        colours[..., 1] = colours[..., 2] = LOOP
    frames = decode_cine(written(colours, PhotometricInterpretation=kind)).frames
    assert np.abs(frames.astype(int) - LOOP).max() <= 1


def encapsulated(uid, stills, height, width):
    """A loop of frames that are compressed already, whatever their size."""
    header = pydicom.dcmread(io.BytesIO(written(np.zeros((len(stills), height, width), np.uint8))))
    header.file_meta.TransferSyntaxUID = uid
    header.PixelData = pydicom.encaps.encapsulate(stills)
    header["PixelData"].VR = "OB"
    content = io.BytesIO()
    pydicom.dcmwrite(content, header)
    return content.getvalue()


def jpegs(uid, height=24, width=32, size=(24, 32)):
    """Two frames of a size which the header may not tell."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="image2pipe") as output:
        stream = output.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = *size, "yuvj420p"
        grey = av.VideoFrame.from_ndarray(np.full(size, 90, np.uint8), format="gray")
        output.mux(stream.encode(grey.reformat(format="yuvj420p")))
        output.mux(stream.encode())
    return encapsulated(uid, [buffer.getvalue()] * 2, height, width)


def test_a_loop_of_jpeg_frames_is_a_clip():
    frames = decode_cine(jpegs(pydicom.uid.JPEGBaseline8Bit)).frames
    assert frames.shape == (2, 24, 32)
    assert np.abs(frames.astype(int) - 90).max() <= 2


OTHER_FRAMES = "the frames of the DICOM file are not those that its header announces"


def traced(content):
    """Bytes at the peak of a refusal."""
    tracemalloc.start()
    try:
        with pytest.raises(UnusableScan, match=OTHER_FRAMES):
            decode_cine(content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [(1024, 1024), (24, 24)], ids=["larger", "smaller"])
def test_a_jpeg_frame_of_another_size_than_the_header_s_is_not_decoded(size):
    assert traced(jpegs(pydicom.uid.JPEGBaseline8Bit, size=size)) < 2**19


@pytest.mark.parametrize("runs", [b"\x81\0" * 2**14, b"\x80" * 2**14], ids=["128 zeros", "nothing"])
def test_run_lengths_that_outgrow_the_frame_are_not_written_out(runs):
    still = struct.pack("<16L", 1, 64, *[0] * 14) + runs
    assert traced(encapsulated(RLELossless, [still], 8, 8)) < 2**19


DEFLATED = "1.2.840.10008.1.2.1.99"


def deflated(pixels, announced=None, meta=()):
    """`announced`: the number of frames that the header tells."""
    header = pydicom.dcmread(io.BytesIO(written(pixels)))
    header.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    header.NumberOfFrames = announced or len(pixels)
    for element in meta:
        header.file_meta.add(element)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore:The value length")
def test_a_deflated_file_is_read_wherever_its_header_says_so():
    long = pydicom.DataElement("MediaStorageSOPInstanceUID", "UI", "1" * 5000, validation_mode=pydicom.config.IGNORE)
    assert np.array_equal(decode_cine(deflated(LOOP, meta=[long])).frames, LOOP)


def test_a_deflated_file_is_inflated_no_further_than_it_announces():
    bomb = deflated(np.zeros((400, 512, 512), np.uint8), announced=1)  # 100 MiB in 100 KiB
    tracemalloc.start()
    try:
        with pytest.raises(UnusableScan, match="the deflated DICOM file holds more than its header announces"):
            decode_cine(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def test_a_deflated_file_that_announces_too_much_is_not_inflated():
    with pytest.raises(UnusableScan, match="absurd size: 1000 MiB"):
        decode_cine(deflated(np.zeros((400, 512, 512), np.uint8), announced=4000), most_bytes=2**20)


@pytest.mark.parametrize(
    "tags", [{"Rows": 1, "Columns": 1, "BitsAllocated": 1}, {"BitsAllocated": 0}, {"NumberOfFrames": -1}]
)
def test_a_deflated_file_that_announces_nothing_is_not_inflated(tags):
    header = pydicom.dcmread(io.BytesIO(deflated(np.zeros((400, 512, 512), np.uint8))))
    for name, value in tags.items():
        setattr(header, name, value)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    del header
    tracemalloc.start()
    try:
        with pytest.raises(UnusableScan, match=r"deflated DICOM file (announces no|holds more)"):
            decode_cine(buffer.getvalue())
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def test_the_deflated_files_of_a_series_are_bounded_together():
    files = [deflated(np.zeros((1, 2048, 2048), np.uint8)) for _ in range(24)]  # 96 MiB in 100 KiB
    tracemalloc.start()
    try:
        with pytest.raises(UnusableScan, match="has an absurd size"):
            decode_series(files, most_bytes=2**23)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def test_a_deflated_file_that_ends_early_is_truncated():
    with pytest.raises(UnusableScan, match="truncated: the deflated DICOM file ends early"):
        decode_cine(deflated(LOOP)[:-40])


@pytest.mark.parametrize(
    "tags", [{"SOPClassUID": DEFLATED}, {"ReferencedTransferSyntaxUIDInFile": DEFLATED}], ids=["class", "another tag"]
)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_names_the_deflated_syntax_elsewhere_is_not_deflated(tags, compressed):
    header = pydicom.dcmread(io.BytesIO(written(LOOP, compressed=compressed)))
    for name, value in tags.items():
        setattr(header, name, value)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    assert np.array_equal(decode_cine(buffer.getvalue()).frames, LOOP)


def test_a_group_2_that_only_pydicom_takes_for_deflated_is_not_inflated():
    """Its class has no length, so that its syntax lies within it for one reader, and behind it for another."""
    content = written(LOOP)
    before, behind = content.split(b"\x02\0\x10\0UI", 1)
    packed = b"\x02\0\x10\0UI" + struct.pack("<H", 22) + DEFLATED.encode()
    with pytest.raises(UnusableScan):
        decode_cine(before + b"\x02\0\x02\1OB\0\0\xff\xff\xff\xff" + packed + b"\x02\0\x10\0UI" + behind)


def test_a_loop_of_more_frames_than_its_header_announces_is_unusable():
    for content in (written(LOOP, compressed=True), jpegs(pydicom.uid.JPEGBaseline8Bit)):
        header = pydicom.dcmread(io.BytesIO(content))
        header.NumberOfFrames = 1
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, header)
        with pytest.raises(UnusableScan, match=OTHER_FRAMES):
            decode_cine(buffer.getvalue())


def test_a_compression_that_is_not_read_is_named():
    with pytest.raises(UnusableScan, match=r"its pixels are compressed as JPIP.*, which is not read: save them"):
        decode_cine(jpegs(pydicom.uid.JPIPHTJ2KReferenced))


def test_frames_of_another_compression_than_the_header_s_are_unusable():
    with pytest.raises(UnusableScan, match=r"compressed as JPEG 2000 .*, and a frame has no header of that kind"):
        decode_cine(jpegs(pydicom.uid.JPEG2000))


def test_an_absurd_size_is_refused_before_pixels_are_read():
    with pytest.raises(UnusableScan, match="absurd size: 999999999 frames"):
        decode_cine(written(LOOP, NumberOfFrames=999999999))


def test_frames_in_colour_are_counted_once():
    with pytest.raises(UnusableScan, match="absurd size: 999999999 frames"):
        decode_cine(written(np.stack([LOOP] * 3, axis=-1), NumberOfFrames=999999999))


@pytest.mark.parametrize("content", [b"", b"not DICOM" * 99, written(LOOP)[:300]])
def test_what_is_no_dicom_file_is_unusable(content):
    with pytest.raises(UnusableScan, match=r"damaged|truncated"):
        decode_cine(content)


def test_flipped_bytes_end_in_a_clip_or_a_reason():
    content, random = written(LOOP), np.random.default_rng(0)
    reasons = set()
    for _ in range(150):
        damaged = bytearray(content)
        damaged[int(random.integers(0, len(content) - LOOP.size))] ^= int(random.integers(1, 256))
        try:
            with warnings.catch_warnings(action="error"):
                decode_cine(bytes(damaged))
        except (UnusableScan, ValueError) as unusable:  # the preparation makes reasons of ValueErrors
            reasons.add(type(unusable))
    assert UnusableScan in reasons
