"""Scores reach the losses less their mean and by their deviation: what is equal as given must stay equal."""

import numpy as np
import pytest
import torch

from clinimcl.data.datamodule import ScoreScale
from clinimcl.losses.pairs import merge_ties, score_distance
from clinimcl.losses.rank_n_contrast import rank_n_contrast
from clinimcl.losses.ranked_contrast import near_and_far
from clinimcl.losses.sup_con import SupCon

MMSE = [30, 27, 24, 29, 28, 21, 18, 26]
DECIMAL = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1.1]
RATIO = [432.4, 431.9, 180.1, 179.6, 306.3, 305.8, 54.0, 54.5]


def as_learned(given):
    """As `ScoredDataset` serves it."""
    score = np.array(given, float)
    return torch.from_numpy(ScoreScale(score.mean() + 0.037, 2.913).normalised(score).astype(np.float32))


def exact_distance(given):
    tenths = torch.tensor([round(10 * score) for score in given])
    return (tenths[:, None] - tenths[None, :]).abs()


@pytest.mark.parametrize("given", [MMSE, DECIMAL, RATIO])
def test_distances_tie_where_those_of_the_scores_as_given_do(given):
    score = as_learned(given)
    merged, exact = merge_ties(score_distance(score), score), exact_distance(given)
    for own, expected in zip(merged, exact, strict=True):
        torch.testing.assert_close(
            torch.unique(own, return_inverse=True)[1],
            torch.unique(expected, return_inverse=True)[1],
        )


def test_some_ties_would_be_lost_without_merging():
    own = score_distance(as_learned(MMSE))
    assert any(len(row.unique()) > len(exact.unique()) for row, exact in zip(own, exact_distance(MMSE), strict=True))


@pytest.mark.parametrize("given", [MMSE, DECIMAL, RATIO])
def test_rank_n_contrast_is_that_of_the_scores_as_given(given):
    embedding = torch.randn(8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = torch.tensor([round(10 * score) for score in given], dtype=torch.float64)
    losses = [
        rank_n_contrast(embedding, score, torch.arange(8), temperature=0.5, same_subject=False)
        for score in (as_learned(given), exact)
    ]
    torch.testing.assert_close(*losses, rtol=0, atol=1e-12)


@pytest.mark.parametrize("given", [MMSE, DECIMAL, RATIO])
def test_the_nearer_half_is_that_of_the_scores_as_given(given):
    score, others = as_learned(given), ~torch.eye(8, dtype=torch.bool)
    halves = near_and_far(merge_ties(score_distance(score), score), others)
    torch.testing.assert_close(halves, near_and_far(exact_distance(given).double(), others))


@pytest.mark.parametrize("above", [0.0, 1e-7, -1e-7])
def test_a_score_on_an_edge_but_for_rounding_is_in_the_lower_class(above):
    loss = SupCon(bins=[0.0], temperature=0.1, same_subject=False)
    embedding = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    own = loss(embedding, torch.tensor([above, -1.0, 1.0, 2.0]), torch.arange(4))
    torch.testing.assert_close(own, loss(embedding, torch.tensor([-0.5, -1.0, 1.0, 2.0]), torch.arange(4)))
