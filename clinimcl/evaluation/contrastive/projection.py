"""Two- and three-dimensional pictures of the embeddings of all kept epochs, in one common frame."""

import warnings

import numpy as np
from jaxtyping import Float

from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.sessions import unit

NEIGHBOURS = 15
FEWEST = 10  # points; below, UMAP's neighbourhoods hold nearly everything

Projections = dict[str, dict[int, Float[np.ndarray, "scan axis"]]]


def project(embedded: Embedded, seed: int) -> Projections:
    """Test scans by projection ("UMAP 2-D", "UMAP 3-D", "PCA 2-D", "PCA 3-D") and epoch.

    Each projection is fitted once, on all epochs together, so that epochs can be compared. UMAP is left out
    where there are fewer than 10 points. The first call in a fresh environment compiles for about 20 s.
    """
    epochs = list(embedded.epochs)
    points = unit(np.concatenate([embedded.vectors(epoch, "test") for epoch in epochs]))
    projections = {}
    for axes in (2, 3):
        fitted = {"PCA": pca(points, axes)}
        if len(points) >= FEWEST:
            fitted = {"UMAP": umap(points, axes, seed), **fitted}
        for name, projected in fitted.items():
            projections[f"{name} {axes}-D"] = dict(
                zip(epochs, np.split(projected.astype(float), len(epochs)), strict=True)
            )
    return projections


def pca(points: Float[np.ndarray, "scan dimension"], axes: int) -> Float[np.ndarray, "scan axis"]:
    """Signs are fixed by the largest coordinate, which is positive; missing axes are zero."""
    u, singular, _ = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    scores = (u * singular)[:, :axes]
    scores = scores * np.sign(scores[np.abs(scores).argmax(axis=0), np.arange(scores.shape[1])])
    return np.pad(scores, ((0, 0), (0, axes - scores.shape[1])))


def umap(points: Float[np.ndarray, "scan dimension"], axes: int, seed: int) -> Float[np.ndarray, "scan axis"]:
    """One thread, since only then does a seed mean the same picture; starts from PCA, which always exists."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(points) - 1)
    # Exact, and spares the compilation of umap-learn's own search, half of the time of a small fit.
    neighbours = NearestNeighbors(n_neighbors=count, metric="cosine").fit(points).kneighbors(points)
    with warnings.catch_warnings():
        # Compilation and sparse-matrix notices of umap-learn and numba, on which a user cannot act.
        warnings.simplefilter("ignore")
        from umap import UMAP

        fitted = UMAP(
            n_components=axes,
            n_neighbors=neighbours[0].shape[1],
            metric="cosine",
            init=start(points, axes),
            precomputed_knn=(neighbours[1], neighbours[0].astype(np.float32), None),
            force_approximation_algorithm=True,  # else umap-learn would search again itself
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(fitted.fit_transform(points.astype(np.float32)))


def start(points: Float[np.ndarray, "scan dimension"], axes: int) -> Float[np.ndarray, "scan axis"]:
    """The PCA, 10 units wide; points that coincide are drawn apart a little, which UMAP cannot do."""
    scores = pca(points, axes)
    scale = 10 / max(float(np.abs(scores).max()), 1e-12)
    noise = np.random.default_rng(0).normal(scale=1e-3, size=scores.shape)
    return (scores * scale + noise).astype(np.float32)
