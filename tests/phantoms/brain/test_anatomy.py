import numpy as np

from clinimcl.phantoms.brain.anatomy import load_anatomy


def millilitres(mask):
    return mask.sum() * 8 / 1000


def test_regions_have_the_volumes_of_a_human_brain():
    regions = load_anatomy().regions
    assert 15 < millilitres(regions.ventricles) < 40
    assert 5 < millilitres(regions.hippocampi) < 9  # both
    assert 1200 < millilitres(regions.tissue) < 1900


def test_hippocampi_lie_on_both_sides():
    across = np.argwhere(load_anatomy().regions.hippocampi)[:, 0] * 2 + load_anatomy().origin[0]
    assert 0.4 < (across > 0).mean() < 0.6
    assert np.abs(across).min() > 10  # mm from the midline


def test_a_flow_changes_its_own_region_most():
    response = np.abs(load_anatomy().response)
    assert (response.argmax(axis=0) == [0, 1, 2]).all()
    assert (response.argmax(axis=1) == [0, 1, 2]).all()
