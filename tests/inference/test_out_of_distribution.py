import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from clinimcl.inference.out_of_distribution import Reference, appearance, people


@pytest.mark.parametrize(
    ("kind", "shape", "cells"), [("volume", (16, 16, 16), (7, 7, 7)), ("clip", (4, 40, 40), (1, 16, 16))]
)
def test_the_coarse_grid_is_torch_s_adaptive_mean(kind, shape, cells):
    array = np.random.default_rng(0).random(shape).astype(np.float16)
    expected = torch.nn.functional.adaptive_avg_pool3d(torch.from_numpy(array.astype(np.float32))[None], cells)
    np.testing.assert_allclose(appearance(array, kind), expected.flatten().numpy(), rtol=1e-5)


def test_a_small_scan_keeps_its_voxels():
    array = np.random.default_rng(0).random((4, 4, 4)).astype(np.float16)
    np.testing.assert_array_equal(appearance(array, "volume"), array.astype(np.float32).ravel())


def test_what_is_drawn_from_the_same_is_at_a_distance_of_about_one():
    values = np.random.default_rng(0).normal(size=(2000, 50)) * np.arange(1, 51)
    reference = Reference(np.zeros(50), np.diag(1 / np.arange(1.0, 51) ** 2))
    assert reference.distance(values).mean() == pytest.approx(1, abs=0.02)
    assert reference.distance(values + 10 * np.arange(1, 51)).min() > 5


def test_the_ratio_is_that_of_the_two_joint_densities():
    generator = np.random.default_rng(0)
    roots = generator.normal(size=(2, 3, 3))
    between, within = roots @ roots.transpose(0, 2, 1) + np.eye(3)
    mean, scans = generator.normal(size=3), generator.normal(size=(2, 5, 3))
    one_person = np.block([[between + within, between], [between, between + within]])
    joint = multivariate_normal(np.tile(mean, 2), one_person).logpdf(np.concatenate([*scans], axis=1))
    apart = sum(multivariate_normal(mean, between + within).logpdf(own) for own in scans)
    constant = (np.linalg.slogdet(one_person)[1] - 2 * np.linalg.slogdet(between + within)[1]) / 2
    np.testing.assert_allclose(people(mean, between, within).ratio(*scans), joint - apart + constant)


def test_the_order_of_two_scans_does_not_matter():
    known = people(np.zeros(2), np.eye(2), 0.1 * np.eye(2))
    one, other = np.random.default_rng(0).normal(size=(2, 4, 2))
    np.testing.assert_allclose(known.ratio(one, other), known.ratio(other, one))
