from dataclasses import replace

import numpy as np
import pytest

from clinimcl.phantoms.brain.anatomy import load_anatomy
from clinimcl.phantoms.brain.course import Person, state_at
from clinimcl.phantoms.brain.parameters import BRAIN
from clinimcl.phantoms.brain.shape import Shape, anatomical_map, own_deformation, warp_template

PLAIN = replace(BRAIN.identity, displacement=(0.0, 0.0))


def volumes(person, age):
    """Of ventricles, hippocampi and tissue, in voxels, in a brain that has the template's own shape."""
    anatomy = load_anatomy()
    state = state_at(person, age, BRAIN.course)
    mapped = anatomical_map(Shape(1.0, 0, state.ventricles, state.hippocampi, state.brain), PLAIN)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = anatomy.origin
    masks = [mask.astype(np.float32) for mask in anatomy.regions[:3]]
    return np.array([warp_template(mapped, affine, mask.shape, mask).sum() for mask in masks])


def yearly_rates(person, age):
    """Measured on warped masks over two years, of the log volume."""
    return np.log(volumes(person, age + 2) / volumes(person, age)) / 2


def test_a_healthy_brain_changes_at_the_healthy_rates():
    course = BRAIN.course
    claimed = [course.ventricle_rates[0], course.hippocampus_rates[0], course.brain_rates[0]]
    np.testing.assert_allclose(yearly_rates(Person(70.0, np.inf, 1.0), 70.0), claimed, rtol=0.2)


def test_an_ill_brain_changes_at_the_rates_of_the_disease():
    course = BRAIN.course
    claimed = [course.ventricle_rates[1], course.hippocampus_rates[1], course.brain_rates[1]]
    np.testing.assert_allclose(yearly_rates(Person(70.0, 68.0, 1.0), 70.0), claimed, rtol=0.2)


def test_nothing_is_torn_by_severe_atrophy():
    mapped = anatomical_map(Shape(1.0, 0, 4.0, 0.5, 0.8), PLAIN)
    slopes = np.stack([np.stack(np.gradient(component, 4.0)) for component in mapped])
    assert np.linalg.det(slopes.transpose(2, 3, 4, 0, 1)).min() > 0


def test_the_own_deformation_has_the_spread_asked_for():
    spreads = [own_deformation(seed, BRAIN.identity).std() for seed in range(5)]
    assert np.mean(spreads) == pytest.approx(np.hypot(*BRAIN.identity.displacement), rel=0.15)


def test_two_people_differ_in_shape():
    assert np.abs(own_deformation(1, BRAIN.identity) - own_deformation(2, BRAIN.identity)).max() > 2  # mm
