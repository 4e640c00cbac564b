import numpy as np
import pytest

from clinimcl.phantoms.lung.echo import Thorax, echoes, seen
from clinimcl.phantoms.lung.parameters import LUNG
from clinimcl.phantoms.lung.signs import sample_lung

THORAX = Thorax(pleura=20.0, rib_spacing=26.0, rib_width=8.0, rib_at=13.0, seed=1)
DEPTH = np.linspace(0, 70, 281, dtype=np.float32)
ACROSS = np.linspace(-19, 19, 77, dtype=np.float32)
SECONDS = np.arange(4, dtype=np.float32) * 0.5
MIDDLE, RIB = 38, 64  # lines of sight half-way between two ribs and at one


def lung(severity, seed=0):
    places = seen(THORAX, np.linspace(-19, 19, 77))
    return sample_lung(np.random.default_rng(seed), severity, 5.0, places, LUNG.signs)


def strength(severity, seed=0):
    return echoes(THORAX, lung(severity, seed), DEPTH, ACROSS, SECONDS)


def at(mm):
    return int(np.argmin(np.abs(DEPTH - mm)))


def test_the_same_numbers_give_the_same_echoes():
    np.testing.assert_array_equal(strength(0.5), strength(0.5))


def test_an_a_line_lies_at_twice_the_depth_of_the_pleura():
    line = strength(0.0)[0, :, MIDDLE]
    pleura = at(17) + int(line[at(17) : at(24)].argmax())
    copy = at(35) + int(line[at(35) : at(46)].argmax())
    assert DEPTH[copy] == pytest.approx(2 * DEPTH[pleura], abs=0.8)


def test_a_lines_fade_with_severity():
    assert lung(0.0).a_lines > lung(0.4).a_lines > lung(0.8).a_lines


def test_b_lines_grow_in_number_with_severity():
    assert [len(lung(severity).b_lines) for severity in (0.0, 0.5, 1.0)] == [0, 5, 9]


def test_b_lines_reach_the_bottom():
    healthy, ill = (strength(severity)[:, at(65), 20:56].mean() for severity in (0.0, 0.6))
    assert ill > 2 * healthy


def test_a_b_line_moves_with_the_pleura():
    one = lung(0.15, seed=1)
    one = one._replace(b_lines=one.b_lines[:1], slide=6.0, phase=0.0, period=2.0)
    one = one._replace(b_lines=(one.b_lines[0]._replace(at=-3.0, strength=1.0),))
    rows = echoes(THORAX, one, DEPTH, ACROSS, SECONDS)[:, at(30)]
    assert ACROSS[rows.argmax(1)] == pytest.approx([-3.0, 3.0, -3.0, -9.0], abs=0.6)  # each quarter of a breath


def test_a_stiff_lung_slides_less():
    assert lung(1.0).slide < 0.5 * lung(0.0).slide


def test_nearly_nothing_is_seen_behind_a_rib():
    row = strength(0.8)[0, at(50)]
    assert row[RIB] < 0.15 * row[MIDDLE - 10 : MIDDLE + 10].mean()


def test_consolidations_appear_in_severe_disease_only():
    assert not any(lung(0.5, seed).patches for seed in range(20))
    assert all(lung(1.0, seed).patches for seed in range(20))


def test_a_consolidation_is_darker_than_the_pleura_it_replaces():
    ill = lung(1.0)
    patched = ill._replace(patches=(ill.patches[0]._replace(at=0.0, half_width=5.0, height=5.0),), slide=0.0)
    below = slice(at(21.5), at(22.5))
    with_patch, without = (
        echoes(THORAX, one, DEPTH, ACROSS, SECONDS)[0, below, MIDDLE].mean()
        for one in (patched, patched._replace(patches=()))
    )
    assert with_patch < without


def test_places_under_ribs_are_not_seen():
    assert set(seen(THORAX, np.array([-13.0, 0.0, 13.0])).tolist()) == {0.0}
