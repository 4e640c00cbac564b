import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from clinimcl.preparation.pipeline import FieldOfView, PaperCrop
from clinimcl.preparation.reading import Scan, UnusableScan

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


def test_parameters_change_the_digest():
    assert FIELD.digest != replace(FIELD, grid=17).digest
    assert FIELD.digest == replace(FIELD, grid=16).digest


def test_a_mask_of_another_shape_is_unusable():
    with pytest.raises(UnusableScan, match="mask has shape"):
        FIELD.prepare(ball(), Scan(np.ones((3, 3, 3), np.uint8), (1.0, 1.0, 1.0)))


def test_the_paper_s_crop_fills_the_cube_and_spans_0_to_1():
    cube = PaperCrop(grid=12, spacing=None, most=80.0, stored=16).prepare(ball(offset=20.0))
    assert (cube.min(), cube.max()) == (0, 1)
    assert all(cube.max(axis=axes)[[0, -1]].min() > 0 for axes in [(1, 2), (0, 2), (0, 1)])


@pytest.mark.parametrize("degrees", [-12, 9])
def test_rigid_alignment_undoes_a_turned_head(degrees):
    from nilearn.datasets import load_mni152_template
    from scipy import ndimage

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
