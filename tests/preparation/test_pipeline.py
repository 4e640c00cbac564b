import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from clinimcl.preparation import alignment
from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.pipeline import FieldOfView, PaperCrop

FIELD = FieldOfView(grid=16, spacing=None, field_of_view=192.0, percentile=99.5, align="none")


def ball(spacing=(4.0, 4.0, 4.0), offset=0.0):
    shape = [round(200 / s) for s in spacing]
    axes = np.meshgrid(*(np.arange(n) * s - 100 for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    x, y, z = axes
    distance = np.sqrt((x - offset) ** 2 + y**2 + z**2)
    return Scan((np.clip(70 - distance, 0, 70) + 10 * (x > offset) * (distance < 60)).astype(np.float32), spacing)


def test_a_prepared_scan_is_float16_between_0_and_1():
    cube = FIELD.prepare(ball())
    assert (cube.dtype, cube.shape) == (np.float16, (16, 16, 16))
    assert cube.min() >= 0 and cube.max() <= 1


def test_the_head_is_centred_wherever_it_lies():
    assert np.abs(FIELD.prepare(ball()).astype(float) - FIELD.prepare(ball(offset=20.0))).mean() < 0.01


def test_proportions_survive_uneven_spacing():
    assert np.abs(FIELD.prepare(ball()).astype(float) - FIELD.prepare(ball((2.0, 4.0, 5.0)))).mean() < 0.01


def test_the_given_spacing_replaces_the_header_s():
    scan = ball((2.0, 4.0, 5.0))
    lying = scan._replace(spacing=(1.0, 1.0, 1.0))
    mended = replace(FIELD, spacing=[2.0, 4.0, 5.0]).prepare(lying)
    assert np.array_equal(mended, FIELD.prepare(scan))


def plain_field_of_view(voxels, spacing, *, grid, field_of_view, percentile):
    """Step after step, each on the whole volume: sort, scale, centre, one product an axis."""
    flat = voxels.astype(np.float32)
    low, high = np.percentile(flat, 0.5), np.percentile(flat[flat > flat.mean()], percentile)
    scaled = np.clip((flat - low) / (high - low), 0, 1)
    head = scaled > 0.5 * scaled[scaled > scaled.mean()].mean()
    area = head.sum(axis=(0, 1))
    crown = np.flatnonzero(area > 0.05 * area.max())[-1]
    neck = max(0, crown - round(170 / spacing[2]))
    centre = ndimage.center_of_mass(np.where(head, scaled, 0.0)[:, :, neck : crown + 1]) + np.array([0, 0, neck])
    step = field_of_view / grid
    for size, mm, place in zip(voxels.shape, spacing, centre * spacing, strict=True):
        targets = place + (np.arange(grid) - (grid - 1) / 2) * step
        lattice = np.arange(-500, size + 500) * mm
        weights = np.maximum(0, 1 - np.abs(targets[:, None] - lattice) / max(step, mm))
        weights = (weights / weights.sum(axis=1, keepdims=True))[:, 500:-500]
        scaled = np.tensordot(scaled, weights, axes=(0, 1))
    return scaled.astype(np.float16)


def as_kind(kind, spacing):
    noise = np.random.default_rng(0).normal(0, 1.5, ball(spacing).voxels.shape)
    return (ball(spacing).voxels + np.abs(noise)).astype(kind)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("spacing", [(4.0, 4.0, 4.0), (9.0, 6.0, 5.0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_prepared_scan_is_what_the_plain_steps_give(kind, spacing, order):
    voxels = as_kind(kind, spacing)
    cube = {"grid": 20, "field_of_view": 150.0, "percentile": 98.0}
    ours = FieldOfView(spacing=None, align="none", **cube).prepare(Scan(np.asarray(voxels, order=order), spacing))
    plain = plain_field_of_view(voxels, spacing, **cube)
    a_step = np.spacing(np.maximum(np.maximum(ours, plain), np.float16(1 / 64)))
    assert (np.abs(ours.astype(float) - plain) <= a_step).all()
    assert (ours == plain).mean() > 0.99


def test_a_prepared_array_lies_in_memory_as_x_y_z_however_the_scan_does():
    scan = ball()
    assert FIELD.prepare(scan._replace(voxels=np.asfortranarray(scan.voxels))).flags.c_contiguous


def test_the_type_of_the_stored_array_changes_the_digest():
    assert FIELD.digest != replace(FIELD, dtype="uint8").digest


def test_what_was_prepared_by_earlier_rules_is_known_as_such():
    assert FIELD.earlier_digest == "04ea9c821cf1e50b" != FIELD.digest


@pytest.mark.parametrize("pipeline", [FIELD, PaperCrop(grid=12, spacing=None, most=80.0, stored=16)])
def test_a_cube_in_a_byte_a_voxel_is_the_nearest_step(pipeline):
    exact, coarse = (replace(pipeline, dtype=dtype).prepare(ball()).astype(float) for dtype in ("float16", "uint8"))
    assert np.array_equal(coarse * 256, np.rint(coarse * 256)) and np.abs(exact - coarse).max() <= 1 / 256
    assert 0 < np.abs(exact - coarse)[exact < 0.99].max() < 1.1 / 512


def test_another_type_is_refused():
    with pytest.raises(ValueError, match="must be float16 or uint8, got float32"):
        replace(FIELD, dtype="float32")


def test_parameters_change_the_digest():
    assert FIELD.digest != replace(FIELD, grid=17).digest
    assert FIELD.digest == replace(FIELD, grid=16).digest


def test_a_mask_of_another_shape_is_unusable():
    with pytest.raises(UnusableScan, match="mask has shape"):
        FIELD.prepare(ball(), Scan(np.ones((3, 3, 3), np.uint8), (1.0, 1.0, 1.0)))


def test_the_paper_s_crop_is_the_same_however_the_scan_lies_in_memory():
    scan = ball(offset=20.0)._replace(spacing=(1.5, 1.5, 1.5))
    paper = PaperCrop(grid=12, spacing=None, most=80.0, stored=16)
    turned = scan._replace(voxels=np.asfortranarray(scan.voxels)[::-1].copy()[::-1])
    assert np.array_equal(paper.prepare(scan), paper.prepare(turned))


def test_the_paper_s_crop_fills_the_cube_and_spans_0_to_1():
    cube = PaperCrop(grid=12, spacing=None, most=80.0, stored=16).prepare(ball(offset=20.0))
    assert (cube.min(), cube.max()) == (0, 1)
    assert all(cube.max(axis=axes)[[0, -1]].min() > 0 for axes in [(1, 2), (0, 2), (0, 1)])


@pytest.mark.parametrize("degrees", [-12, 9])
def test_rigid_alignment_undoes_a_turned_head(degrees):
    from nilearn.datasets import load_mni152_template

    head = np.asarray(load_mni152_template(resolution=4).dataobj, np.float32)
    turned = np.clip(ndimage.rotate(head, degrees, axes=(0, 1), reshape=False, order=1), 0, None)
    rigid = replace(FIELD, grid=32, align="rigid")
    straight = rigid.prepare(Scan(head, (4.0, 4.0, 4.0))).astype(float)
    aligned = rigid.prepare(Scan(turned, (4.0, 4.0, 4.0))).astype(float)
    left = replace(FIELD, grid=32).prepare(Scan(turned, (4.0, 4.0, 4.0))).astype(float)
    assert np.abs(aligned - straight).mean() < 0.5 * np.abs(left - straight).mean()


def test_the_base_rooms_import_neither_torch_nor_monai():
    code = (
        "import sys, json, clinimcl.preparation.prepare, clinimcl.cohorts.cohort, clinimcl.phantoms.writing;"
        "print(json.dumps([name for name in ('torch', 'monai', 'lightning') if name in sys.modules]))"
    )
    assert json.loads(subprocess.check_output([sys.executable, "-c", code])) == []


def test_a_face_is_removed_wherever_the_head_is_turned():
    step = alignment.FIELD_OF_VIEW / alignment.GRID
    face = np.zeros_like(alignment.template())
    face[22:34, 46:56, 8:24] = 1.0
    turned, moved = (
        ndimage.rotate(part, 10, axes=(0, 2), reshape=False, order=1) for part in (alignment.template(), face)
    )
    kept = alignment.without_face(np.maximum(turned, moved), (step,) * 3)
    far = ndimage.distance_transform_edt(turned < 0.05) * step > alignment.BEYOND_BRAIN + 2 * step
    assert moved[far].max() > 0.9 and kept[far].max() == 0
    assert kept[turned > 0.3].min() > 0


@pytest.mark.parametrize("pipeline", [FIELD, PaperCrop(grid=12, spacing=None, most=80.0, stored=16)])
@pytest.mark.parametrize(
    ("shape", "spacing", "words"),
    [
        ((50, 50, 11), (4.0, 4.0, 15.0), r"too few slices for a head: 50 × 50 × 11 voxels, expected at least 12"),
        ((50, 14, 50), (4.0, 4.0, 4.0), r"too small a field of view for a head: 200 × 56 × 200 mm"),
    ],
)
def test_what_is_no_whole_head_is_set_aside_with_its_figures(pipeline, shape, spacing, words):
    voxels = np.random.default_rng(0).integers(0, 80, shape).astype(np.int16)
    with pytest.raises(UnusableScan, match=words):
        pipeline.prepare(Scan(voxels, spacing))


def test_the_field_of_view_is_that_of_the_given_spacing():
    lying = ball((4.0, 4.0, 8.0))._replace(spacing=(4.0, 4.0, 1.0))
    with pytest.raises(UnusableScan, match="field of view"):
        FIELD.prepare(lying)
    assert replace(FIELD, spacing=[4.0, 4.0, 8.0]).prepare(lying).max() > 0


def test_an_assumed_spacing_sets_no_field_of_view():
    tensor = ball()._replace(spacing=(1.0, 1.0, 1.0), sized=False)
    assert replace(FIELD, field_of_view=48.0).prepare(tensor).max() > 0


def test_an_orientation_changes_the_digest_and_its_absence_does_not():
    assert FIELD.digest == replace(FIELD, orientation=None).digest != replace(FIELD, orientation="LAS").digest


@pytest.mark.parametrize("code", ["LASX", "LLS", "las", ""])
def test_an_orientation_is_one_of_48_codes(code):
    with pytest.raises(ValueError, match="orientation must be three letters"):
        replace(FIELD, orientation=code)
