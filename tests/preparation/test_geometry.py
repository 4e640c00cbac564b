from itertools import permutations

import numpy as np
import pytest

from clinimcl.preparation import geometry


def ball(shape, spacing, centre, radius):
    axes = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)))
    return (distance < radius).astype(np.float32)


@pytest.mark.parametrize(("spacing", "grid"), [((1.0, 1.0, 1.0), 20), ((1.0, 1.3, 5.0), 40), ((2.0, 2.0, 2.0), 97)])
def test_a_constant_stays_constant_inside_the_scan(spacing, grid):
    shape = tuple(round(200 / s) for s in spacing)
    cube = geometry.resample(
        np.ones(shape, np.float32), spacing, centre=np.full(3, 100.0), grid=grid, field_of_view=150.0
    )
    assert np.allclose(cube, 1, atol=1e-5)


def test_what_lies_outside_of_the_scan_is_zero():
    cube = geometry.resample(
        np.ones((10, 10, 10), np.float32),
        (1.0, 1.0, 1.0),
        centre=np.full(3, 4.5),
        grid=10,
        field_of_view=40.0,
    )
    assert cube[0].max() == 0 and cube[5, 5, 5] > 0.9


def test_a_ball_keeps_its_volume_in_millimetres_whatever_the_spacing():
    volumes = []
    for spacing in [(1.0, 1.0, 1.0), (1.0, 1.0, 4.0), (2.0, 1.5, 1.0)]:
        shape = tuple(round(100 / s) for s in spacing)
        voxels = ball(shape, spacing, (50, 50, 50), 30)
        cube = geometry.resample(voxels, spacing, centre=np.full(3, 50.0), grid=25, field_of_view=100.0)
        volumes.append(cube.sum() * 4**3)
    assert np.allclose(volumes, 4 / 3 * np.pi * 30**3, rtol=0.03)


def test_shrinking_does_not_alias_a_fine_pattern():
    voxels = np.indices((64, 64, 64)).sum(axis=0) % 2
    cube = geometry.resample(
        voxels.astype(np.float32), (1.0, 1.0, 1.0), centre=np.full(3, 31.5), grid=8, field_of_view=48.0
    )
    assert np.allclose(cube, 0.5, atol=1e-3)


def test_axes_keep_their_order():
    voxels = np.zeros((12, 12, 12), np.float32)
    voxels[9, 5, 2] = 1
    cube = geometry.resample(voxels, (1.0, 1.0, 1.0), centre=np.full(3, 5.5), grid=12, field_of_view=12.0)
    assert np.unravel_index(cube.argmax(), cube.shape) == (9, 5, 2)


def test_the_centre_of_a_ball_is_found_in_millimetres():
    voxels = ball((60, 60, 40), (2.0, 2.0, 3.0), (50, 70, 60), 40)
    assert np.allclose(geometry.head_centre(voxels, (2.0, 2.0, 3.0)), (50, 70, 60), atol=0.5)


def test_shoulders_do_not_pull_the_centre_down():
    head = ball((60, 60, 80), (4.0, 4.0, 4.0), (120, 120, 220), 80)
    body = head.copy()
    body[:, 10:50, :25] = 1
    difference = geometry.head_centre(body, (4.0, 4.0, 4.0)) - geometry.head_centre(head, (4.0, 4.0, 4.0))
    assert abs(difference[2]) < 8


def test_no_rotation_is_the_plain_resampling_where_nothing_is_shrunk():
    voxels = np.random.default_rng(0).random((16, 16, 16), dtype=np.float32)
    cube = {"centre": np.full(3, 7.5), "grid": 12, "field_of_view": 12.0}
    plain = geometry.resample(voxels, (1.0, 1.0, 1.0), **cube)
    turned = geometry.resample_rigidly(voxels, (1.0, 1.0, 1.0), rotation=np.eye(3), **cube)
    assert np.allclose(plain, turned, atol=1e-5)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("backwards", [True, False])
def test_the_order_of_voxels_in_memory_changes_neither_centre_nor_cube(axes, backwards):
    voxels = ball((30, 24, 36), (4.0, 5.0, 3.0), (60, 55, 50), 40) * np.linspace(0.5, 1, 36, dtype=np.float32)
    spacing, cube = (4.0, 5.0, 3.0), {"centre": np.array([60.0, 55.0, 50.0]), "grid": 13, "field_of_view": 90.0}
    turn = np.flip if backwards else np.asarray
    stored = turn(np.ascontiguousarray(turn(voxels).transpose(axes)).transpose(np.argsort(axes)))
    assert np.array_equal(stored, voxels)
    assert np.allclose(geometry.head_centre(stored, spacing), geometry.head_centre(voxels, spacing), atol=1e-5)
    assert np.allclose(
        geometry.resample(stored, spacing, **cube), geometry.resample(voxels, spacing, **cube), atol=1e-6
    )


def test_a_cube_beside_the_scan_is_empty():
    cube = geometry.resample(
        np.ones((8, 8, 8), np.float32), (1.0, 1.0, 1.0), centre=np.full(3, 100.0), grid=5, field_of_view=10.0
    )
    assert cube.shape == (5, 5, 5) and not cube.any()


def test_how_many_planes_are_worked_on_together_changes_neither_centre_nor_cube(monkeypatch):
    voxels, spacing = ball((30, 24, 36), (4.0, 5.0, 3.0), (60, 55, 50), 40), (4.0, 5.0, 3.0)

    def both():
        centre = geometry.head_centre(voxels, spacing)
        return centre, geometry.resample(voxels, spacing, centre=centre, grid=13, field_of_view=90.0)

    together = both()
    monkeypatch.setattr(geometry, "CACHED", 7 * 24 * 36)
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(together, both(), strict=True))
