import numpy as np
import pandas as pd

from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.projection import pca, project, start


def points(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 6))


def embedded(scans: int) -> Embedded:
    table = pd.DataFrame({"subject": [str(number) for number in range(scans)], "split": "test"})
    return Embedded(table, {5: points(scans), 10: points(scans) + 1}, best=10)


def test_pca_keeps_the_variance_in_order():
    variance = pca(points(30), 3).var(axis=0)
    assert (np.diff(variance) < 0).all()


def test_pca_of_two_points_has_empty_axes():
    assert pca(points(2), 3)[:, 1:].round(9).any() == np.False_


def test_sign_of_pca_is_fixed():
    np.testing.assert_allclose(np.abs(pca(-points(30), 2)), np.abs(pca(points(30), 2)))
    assert (pca(points(30), 2).max(axis=0) >= -pca(points(30), 2).min(axis=0)).all()


def test_start_parts_points_that_coincide():
    begun = start(np.ones((5, 6)), 2)
    assert len(np.unique(begun, axis=0)) == 5


def test_few_points_are_projected_by_pca_alone():
    assert list(project(embedded(4), seed=0)) == ["PCA 2-D", "PCA 3-D"]


def test_umap_is_the_same_twice_and_holds_all_epochs():
    first, second = project(embedded(12), seed=0), project(embedded(12), seed=0)
    assert list(first) == ["UMAP 2-D", "PCA 2-D", "UMAP 3-D", "PCA 3-D"]
    assert first["UMAP 3-D"][10].shape == (12, 3)
    np.testing.assert_array_equal(first["UMAP 2-D"][5], second["UMAP 2-D"][5])


def test_collapsed_embeddings_can_be_projected():
    collapsed = embedded(12)._replace(epochs={5: np.ones((12, 6))})
    assert np.isfinite(project(collapsed, seed=0)["UMAP 2-D"][5]).all()
