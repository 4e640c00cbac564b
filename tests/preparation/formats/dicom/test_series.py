import io
import math

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from clinimcl.preparation.formats import background
from clinimcl.preparation.formats.decoding import decode, is_clip
from clinimcl.preparation.formats.dicom.dicom import decode_cine, decode_series
from clinimcl.preparation.formats.dicom.lean import STRAIGHTENED
from clinimcl.preparation.formats.dicom.series import LOST
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.formats.dicom.test_dicom import COLUMN, NORMAL, ORIGIN, ROW, SPACING, VOXELS, series, written

SLICES = VOXELS.shape[2]


def changed(content, **tags):
    header = pydicom.dcmread(io.BytesIO(content))
    for name, value in tags.items():
        setattr(header, name, value)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    return buffer.getvalue()


def in_order(**tags):
    """A series whose slices go from bottom to top; functions of the slice's number give its tags."""
    files = sorted(series(), key=lambda file: _height(pydicom.dcmread(io.BytesIO(file))))
    return [
        changed(file, **{name: value(k) if callable(value) else value for name, value in tags.items()})
        for k, file in enumerate(files)
    ]


def _height(header):
    return np.array(header.ImagePositionPatient, float) @ NORMAL


def shifted(sideways):
    """Positions of slices that lie so many mm along their rows from where they should."""
    return {
        "ImagePositionPatient": lambda k: [f"{v:.8f}" for v in ORIGIN + SPACING[2] * k * NORMAL + sideways(k) * ROW]
    }


WHOLE = decode_series(series())


@pytest.mark.parametrize(
    "spacing",
    [
        lambda k: ["12.0", "10.0"] if k % 2 else ["12", "10"],
        lambda k: ["12.0000001", "10"] if k == 3 else ["12", "10"],
        lambda k: ["1.2E1", "+10"] if k == 1 else ["12", "10"],
    ],
)
def test_spacings_are_compared_as_numbers(spacing):
    scan = decode_series(in_order(PixelSpacing=spacing))
    assert np.array_equal(scan.voxels, WHOLE.voxels)
    assert np.allclose(scan.spacing, WHOLE.spacing, rtol=1e-6)


def test_spacings_that_differ_are_a_mixture():
    with pytest.raises(UnusableScan, match="its slices differ in PixelSpacing: several series are mixed"):
        decode_series(in_order(PixelSpacing=lambda k: [12, 10] if k else [12, 10.2]))


def test_a_slice_that_lies_twice_counts_once():
    files = series()
    assert np.array_equal(decode_series([*files, files[2], files[2]]).voxels, WHOLE.voxels)


def test_the_same_picture_under_another_number_counts_once():
    files = series()
    assert np.array_equal(decode_series([*files, changed(files[1], SOPInstanceUID="9.9")]).voxels, WHOLE.voxels)


def test_a_second_echo_is_named_in_the_reason():
    files = in_order(EchoTime=4.5) + in_order(EchoTime=80, PixelData=lambda k: bytes(84))
    with pytest.raises(UnusableScan, match=r"two slices at one place, with EchoTime 4.5 and 80 ms: .*cohort.series"):
        decode_series(files)


@pytest.mark.parametrize("name", ["AcquisitionNumber", "TemporalPositionIdentifier", "DiffusionBValue"])
def test_what_was_repeated_is_named_in_the_reason(name):
    files = in_order(**{name: 1}) + in_order(**{name: 2}, PixelData=lambda k: bytes(84))
    with pytest.raises(UnusableScan, match=f"two slices at one place, with {name} 1 and 2"):
        decode_series(files)


def test_a_phase_image_beside_the_magnitude_is_named_in_the_reason():
    magnitude, phase = (["ORIGINAL", "PRIMARY", kind, "NOBODY"] for kind in ("M", "P"))
    files = in_order(ImageType=magnitude) + in_order(ImageType=phase, PixelData=lambda k: bytes(84))
    with pytest.raises(UnusableScan, match="two slices at one place, with ImageType M and P: several series are mixed"):
        decode_series(files)


def test_a_localizer_beside_the_series_is_named_in_the_reason():
    localizer = [
        changed(file, SeriesInstanceUID="9.9", Modality="MR", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
        for file in series()[:2]
    ]
    files = in_order(Modality="MR", EchoTime=2.5)
    with pytest.raises(UnusableScan) as caught:
        decode_series([*localizer, *files])
    assert str(caught.value) == (
        "its slices differ in SeriesInstanceUID: several series are mixed (MR 5 slices of 6 × 7, EchoTime 2.5 ms; "
        "MR LOCALIZER 2 slices of 6 × 7); give each series a folder of its own (cohort.series chooses one where "
        "cohort=adni)"
    )


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_no_text_that_somebody_typed_reaches_a_reason():
    files = in_order(Modality="DOE^JOHN", ImageType=["DOE^JOHN"], EchoTime=1, TriggerTime=3)
    other = [changed(file, SeriesInstanceUID="9.9") for file in files]
    with pytest.raises(UnusableScan) as caught:
        decode_series(files + other)
    assert "DOE" not in str(caught.value)


def leaning(voxels, sideways):
    """Slices each of which lies so many mm further along its rows than the one below."""
    files = series(voxels)
    for k, file in enumerate(sorted(files, key=lambda file: _height(pydicom.dcmread(io.BytesIO(file))))):
        position = ORIGIN + SPACING[2] * k * NORMAL + sideways * k * ROW
        yield changed(file, ImagePositionPatient=[f"{value:.8f}" for value in position])


@pytest.mark.parametrize("columns", [1, -1])
def test_a_series_that_leans_comes_out_straight(columns):
    wide = np.full((6 + 4, *VOXELS.shape[1:]), VOXELS.min())
    for k in range(SLICES):
        start = k if columns > 0 else 4 - k
        wide[start : start + 6, :, k] = VOXELS[:, :, k]
    scan = decode_series(list(leaning(VOXELS, columns * SPACING[0])))
    assert np.allclose(scan.voxels, decode_series(series(wide)).voxels)
    assert np.allclose(scan.spacing, WHOLE.spacing)
    assert scan.remark == STRAIGHTENED


@pytest.mark.parametrize("columns", [0.6, -0.6])
def test_a_straightened_series_keeps_its_place(columns):
    dot = np.zeros((12, 12, 5), np.int16)
    dot[6, 7, 2] = 900
    scan = decode_series(list(leaning(dot, columns * SPACING[0])))
    brightest = np.argwhere(scan.voxels > 0)
    found = np.average(brightest, axis=0, weights=scan.voxels[scan.voxels > 0])
    plain = decode_series(series(dot))
    moved = columns * SPACING[0] * 2 * ROW * [-1, -1, 1]
    expected = (plain.affine @ [*np.argwhere(plain.voxels > 0)[0], 1])[:3] + moved
    assert np.allclose((scan.affine @ [*found, 1])[:3], expected, atol=0.1)


def test_a_marked_background_leaves_no_rim_where_a_lean_is_undone():
    x, y, z = np.mgrid[:32, :32, :24]
    inside = (x - 16) ** 2 + (y - 16) ** 2 + ((z - 12) * 4 / 3) ** 2 < 100
    tissue = np.where(inside, 400 + 20 * (x % 5), 0)
    marked, black = (np.where(inside, tissue, value).astype(np.int16) for value in (-2000, 0))
    scans = [decode_series(list(leaning(voxels, 0.3 * SPACING[0]))) for voxels in (marked, black)]
    assert np.array_equal(scans[0].voxels, scans[1].voxels)
    assert scans[0].remark == f"{STRAIGHTENED}; {background.MARKED}"


def test_a_series_whose_background_is_marked_says_so():
    x, y, z = np.mgrid[:32, :32, :24]
    inside = (x - 16) ** 2 + (y - 16) ** 2 + ((z - 12) * 4 / 3) ** 2 < 100
    assert decode_series(series(np.where(inside, 400, -2000).astype(np.int16))).remark == background.MARKED


def test_what_a_lean_moved_by_parts_of_a_column_lies_right_again():
    bump = np.zeros((32, 32, 5), np.int16)
    x = np.arange(32)
    for k in range(5):
        bump[:, 10:20, k] = 1000 * np.exp(-((x - 16 + 0.3 * k) ** 2) / 18)[:, None]
    scan = decode_series(list(leaning(bump, 0.3 * SPACING[0])))
    straight = np.moveaxis(scan.voxels, np.argsort(scan.voxels.shape)[::-1], range(3))
    columns = straight.astype(float).sum(1)
    centres = (columns * np.arange(len(columns))[:, None]).sum(0) / columns.sum(0)
    assert np.ptp(centres) < 0.02


def test_a_series_that_lies_on_its_side_is_set_aside_with_the_angle():
    with pytest.raises(UnusableScan, match="leans by 60 degrees"):
        decode_series(list(leaning(VOXELS, SPACING[2] * math.tan(math.radians(60)))))


def test_what_a_leaning_series_takes_is_bounded():
    files, size = list(leaning(VOXELS, SPACING[0])), 4 * (6 + 4) * 7 * 5
    decode_series(files, size)
    with pytest.raises(UnusableScan, match="absurd size"):
        decode_series(files, size - 1)


def test_the_gap_of_a_series_that_hardly_leans_is_measured_along_its_normal():
    lean = SPACING[2] * math.tan(math.radians(0.9))
    scan = decode_series(in_order(**shifted(lambda k: lean * k)))
    assert np.allclose(scan.spacing, WHOLE.spacing, rtol=1e-6)


def test_a_slice_that_lies_beside_the_others_is_told():
    with pytest.raises(UnusableScan, match="do not lie behind one another: one lies 25 mm beside the others"):
        decode_series(in_order(**shifted(lambda k: 25 * (k == 2))))


@pytest.mark.parametrize("axes", [[0] * 6, [2, 0, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0], [1, 0, 0, 0.5, 0.9, 0]])
def test_directions_that_are_none_are_damage(axes):
    with pytest.raises(UnusableScan, match="ImageOrientationPatient of a slice is no pair of directions"):
        decode_series(in_order(ImageOrientationPatient=axes))


def test_directions_that_are_rounded_change_no_spacing():
    scan = decode_series(in_order(ImageOrientationPatient=[f"{value:.3f}" for value in [*ROW, *COLUMN]]))
    assert np.allclose(scan.spacing, WHOLE.spacing, rtol=1e-4)


def test_uneven_gaps_are_not_called_a_missing_slice():
    with pytest.raises(UnusableScan, match="its slices do not lie evenly: gaps between slices go from 14 to 18 mm"):
        decode_series(series(places=[0, 14, 28, 42, 60]))


def test_thicker_slices_of_the_upper_head_are_not_called_missing():
    places = [*range(0, 30, 3), *range(30, 60, 6)]
    with pytest.raises(UnusableScan, match=r"its slices do not lie evenly: .* go from 3 to 6 mm; resample them"):
        decode_series(series(np.zeros((6, 7, len(places)), np.int16), places=places))


@pytest.mark.parametrize("number", [lambda k: k + 3, lambda k: k + 1 if k < 3 else k + 2])
def test_slices_that_their_numbers_miss_are_remarked_on(number):
    assert decode_series(in_order(InstanceNumber=number)).remark == LOST


@pytest.mark.parametrize(
    "number",
    [
        lambda k: k + 1,
        lambda k: SLICES - k,
        lambda k: k,
        lambda k: 101 + k,
        lambda k: 2 * k + 2,
        lambda k: [1, 4, 2, 5, 3][k],
        lambda k: 1,
        lambda k: None if k else 7,
    ],
    ids=["upwards", "downwards", "from 0", "from 101", "of two echoes", "interleaved", "all one", "one alone"],
)
def test_numbers_that_miss_nothing_are_not_remarked_on(number):
    assert decode_series(in_order(InstanceNumber=number)).remark == ""


@pytest.mark.parametrize("name", ["ImagesInAcquisition", "NumberOfSlices"])
def test_a_count_that_announces_more_slices_is_believed(name):
    with pytest.raises(UnusableScan, match=f"slices are missing: 5 are there, and {name} announces 7"):
        decode_series(in_order(**{name: 7}))
    assert decode_series(in_order(**{name: 2 * SLICES})).remark == ""


def test_a_report_beside_the_slices_is_no_slice():
    report = written(np.zeros((2, 2), np.uint8), Modality="SR")
    header = pydicom.dcmread(io.BytesIO(report))
    del header.PixelData
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    assert np.array_equal(decode_series([*series(), buffer.getvalue()]).voxels, WHOLE.voxels)
    with pytest.raises(UnusableScan, match="holds no picture: a DICOM file of modality SR"):
        decode_cine(buffer.getvalue())


def test_a_mosaic_is_named():
    with pytest.raises(UnusableScan, match=r"is a mosaic, .*convert it to NIfTI \(dcm2niix\)"):
        decode_series(in_order(ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]))


def item(**tags):
    found = Dataset()
    for name, value in tags.items():
        setattr(found, name, value)
    return found


ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"


def enhanced(voxels=VOXELS, order=None, per_frame=None, compressed=False, **tags):
    """A file of all slices, in any order; functions of the frame's number give further functional groups."""
    order = list(range(voxels.shape[2])) if order is None else order
    frames = []
    for k in order:
        place = item(ImagePositionPatient=[f"{value:.8f}" for value in ORIGIN + SPACING[2] * k * NORMAL])
        frames.append(item(PlanePositionSequence=[place], **(per_frame(k) if per_frame else {})))
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[SPACING[1], SPACING[0]])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[f"{value:.12f}" for value in [*ROW, *COLUMN]])],
    )
    pixels = np.ascontiguousarray(voxels.transpose(2, 1, 0)[order])
    tags = {"SOPClassUID": ENHANCED_MR, **tags}
    groups = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": frames}
    content = changed(written(pixels), **groups, **tags)
    if compressed:
        header = pydicom.dcmread(io.BytesIO(content))
        header.compress(RLELossless)
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, header)
        content = buffer.getvalue()
    return content


@pytest.mark.parametrize("path", ["scan.dcm", "folder/"])
@pytest.mark.parametrize("compressed", [False, True])
def test_an_enhanced_file_is_the_volume_of_its_positions(path, compressed):
    content = enhanced(order=[3, 0, 4, 1, 2], compressed=compressed)
    scan = decode(path, [content])
    assert np.array_equal(scan.voxels, WHOLE.voxels)
    assert np.allclose(scan.spacing, WHOLE.spacing, rtol=1e-6)
    assert not is_clip(path, [content])


@pytest.mark.parametrize("kind", ["1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.4", "1.2.3.4"])
def test_any_file_whose_frames_lie_in_space_is_a_volume(kind):
    assert np.array_equal(decode("x.dcm", [enhanced(SOPClassUID=kind)]).voxels, WHOLE.voxels)


def test_frames_have_each_their_own_scale():
    def group(k):
        return {"PixelValueTransformationSequence": [item(RescaleSlope=k + 1, RescaleIntercept=-k)]}

    factors = np.arange(1, SLICES + 1)
    expected = decode_series(series((VOXELS * factors - (factors - 1)).astype(np.int16))).voxels
    assert np.array_equal(decode("x.dcm", [enhanced(per_frame=group)]).voxels, expected)


@pytest.mark.parametrize("path", ["scan.dcm", "folder/"])
def test_a_volume_that_simpleitk_writes_into_one_file_is_that_volume(tmp_path, path):
    image = sitk.GetImageFromArray(VOXELS[::-1, ::-1].transpose(2, 1, 0).astype(np.uint16, order="C"))
    image.SetSpacing(SPACING)
    sitk.WriteImage(image, str(tmp_path / "scan.dcm"))
    scan = decode(path, [(tmp_path / "scan.dcm").read_bytes()])
    assert np.array_equal(scan.voxels, VOXELS)
    assert np.allclose(scan.spacing, SPACING)


@pytest.mark.parametrize(
    "tags", [{}, {"RescaleSlope": 2.5, "RescaleIntercept": -100}, {"BitsStored": 12, "HighBit": 11}]
)
def test_a_series_is_the_volume_that_simpleitk_reads(tmp_path, tags):
    paths = [tmp_path / f"{k}.dcm" for k in range(SLICES)]
    for path, file in zip(paths, in_order(**tags), strict=True):
        path.write_bytes(file)
    image = sitk.DICOMOrient(sitk.ReadImage([str(path) for path in paths]), "LPS")
    scan = decode_series([path.read_bytes() for path in paths])
    assert np.allclose(scan.voxels, sitk.GetArrayFromImage(image).T[::-1, ::-1])
    assert np.allclose(scan.spacing, image.GetSpacing())


def test_single_frames_of_enhanced_files_are_slices():
    files = [enhanced(VOXELS, order=[k]) for k in range(SLICES)]
    assert np.array_equal(decode("x/", files).voxels, WHOLE.voxels)


@pytest.mark.parametrize(
    ("group", "told"),
    [
        (lambda echo: {"MREchoSequence": [item(EffectiveEchoTime=echo * 40.0)]}, "EchoTime 40 and 80 ms"),
        (lambda part: {"FrameContentSequence": [item(TemporalPositionIndex=part)]}, "TemporalPositionIdentifier 1 and"),
        (lambda part: {"MRDiffusionSequence": [item(DiffusionBValue=part * 500.0)]}, "DiffusionBValue 500 and 1000"),
    ],
)
def test_several_volumes_in_one_file_are_told(group, told):
    turns = iter([1] * SLICES + [2] * SLICES)
    content = enhanced(order=[*range(SLICES)] * 2, per_frame=lambda k: group(next(turns)))
    header = pydicom.dcmread(io.BytesIO(content))
    header.PixelData = header.PixelData[: len(header.PixelData) // 2] + bytes(len(header.PixelData) // 2)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header)
    with pytest.raises(UnusableScan, match=f"two slices at one place, with {told}"):
        decode("x.dcm", [buffer.getvalue()])


def test_several_stacks_in_one_file_are_told():
    content = enhanced(per_frame=lambda k: {"FrameContentSequence": [item(StackID=str(k // 3))]})
    with pytest.raises(UnusableScan, match="holds 2 stacks of slices in one file, expected one volume"):
        decode("x.dcm", [content])


def test_an_enhanced_file_beside_other_slices_is_a_mixture():
    with pytest.raises(UnusableScan, match="its slices differ in SeriesInstanceUID"):
        decode("x/", [enhanced(SeriesInstanceUID="9.9"), *series()])


def test_an_enhanced_file_that_does_not_say_where_its_frames_lie_is_unusable():
    with pytest.raises(UnusableScan, match="of 5 frames says of 4 where they lie"):
        decode("x.dcm", [changed(enhanced(order=[0, 1, 2, 3]), NumberOfFrames=5)])
    with pytest.raises(UnusableScan, match="no readable ImagePositionPatient"):
        decode("x.dcm", [changed(enhanced(), PerFrameFunctionalGroupsSequence=[item() for _ in range(SLICES)])])


def test_a_missing_frame_is_a_missing_slice():
    with pytest.raises(UnusableScan, match="a slice is missing: gaps between slices go from 14 to 28 mm"):
        decode("x.dcm", [enhanced(order=[0, 1, 3, 4])])


@pytest.mark.parametrize("kind", ["1.2.840.10008.5.1.4.1.1.20", "1.2.840.10008.5.1.4.1.1.481.2"])
def test_other_volumes_are_named_with_what_converts_them(kind):
    with pytest.raises(UnusableScan, match=r"is a DICOM .* file, which is not read: convert it to NIfTI \(dcm2niix"):
        decode("x.dcm", [changed(enhanced(), SOPClassUID=kind)])


def test_what_an_enhanced_volume_takes_is_bounded():
    decode("x.dcm", [enhanced()], most_bytes=2 * VOXELS.size)
    with pytest.raises(UnusableScan, match="absurd size"):
        decode("x.dcm", [enhanced()], most_bytes=2 * VOXELS.size - 1)


@pytest.mark.parametrize("tags", [{"PhotometricInterpretation": "MONOCHROME1"}])
def test_a_mixture_of_inverted_slices_and_others_is_refused(tags):
    with pytest.raises(UnusableScan, match="its slices differ in PhotometricInterpretation"):
        decode_series(in_order(PhotometricInterpretation=lambda k: "MONOCHROME1" if k % 2 else "MONOCHROME2"))


def test_a_replaced_background_is_said_beside_lost_slices():
    marked = VOXELS.astype(np.int32).copy()
    marked[:2], marked[-2:] = -30000, -30000
    files = [changed(file, InstanceNumber=2 * k + 4) for k, file in enumerate(series(marked))]
    files[-1] = changed(files[-1], InstanceNumber=99)
    assert decode_series(files).remark == f"{LOST}; {background.MARKED}"
