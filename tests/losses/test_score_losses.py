"""What holds for every loss on embeddings and scores."""

import pytest
import torch

from clinimcl.losses.pairs import score_distance
from clinimcl.losses.rank_n_contrast import RankNContrast
from clinimcl.losses.ranked_contrast import RankedContrast
from clinimcl.losses.sup_con import SupCon
from clinimcl.losses.y_aware import YAware

LOSSES = {
    "cl_paper": RankedContrast(weighted=False, mode="paper", same_subject=False, epsilon=0.1),
    "cl": RankedContrast(weighted=False, mode="weighted", same_subject=False, epsilon=0.1),
    "wcl_paper": RankedContrast(weighted=True, mode="paper", same_subject=False, epsilon=0.1),
    "wcl": RankedContrast(weighted=True, mode="weighted", same_subject=False, epsilon=0.1),
    "sup_con": SupCon(bins=[-0.67, 0.0, 0.67], temperature=0.1, same_subject=False),
    "y_aware": YAware(sigma=0.3, temperature=0.1, same_subject=False),
    "rank_n_contrast": RankNContrast(temperature=2.0, same_subject=False),
}


def scans(batch=8, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    embedding = torch.randn(batch, 5, generator=generator, dtype=torch.float64)
    score = torch.randn(batch, generator=generator, dtype=torch.float64)
    return embedding.to(dtype).requires_grad_(), score.to(dtype), torch.arange(batch) // 2


def finite(loss, embedding, score, subject):
    embedding = embedding.detach().clone().requires_grad_()
    value = loss(embedding, score, subject)
    value.backward()
    return value.isfinite().item() and embedding.grad.isfinite().all().item()


@pytest.fixture(params=LOSSES)
def loss(request):
    return LOSSES[request.param]


def test_the_gradient_is_the_derivative(loss):
    embedding, score, subject = scans()
    assert torch.autograd.gradcheck(lambda moved: loss(moved, score, subject), embedding)


def test_the_order_of_the_batch_does_not_matter(loss):
    embedding, score, subject = scans()
    order = torch.tensor([3, 1, 5, 0, 7, 4, 2, 6])
    torch.testing.assert_close(loss(embedding[order], score[order], subject[order]), loss(embedding, score, subject))


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_tied_scores_are_finite(loss, value):
    embedding, _, subject = scans(dtype=torch.float32)
    assert finite(loss, embedding, torch.full((8,), value), subject)


@pytest.mark.parametrize("value", [1.0, 0.0])
def test_identical_and_empty_embeddings_are_finite(loss, value):
    _, score, subject = scans(dtype=torch.float32)
    assert finite(loss, torch.full((8, 5), value), score, subject)


def test_opposite_embeddings_are_finite(loss):
    _, score, subject = scans(dtype=torch.float32)
    opposite = torch.tensor([1.0, -1.0]).repeat(4)[:, None] * torch.ones(8, 5)
    assert finite(loss, opposite, score, subject)


def test_scores_far_apart_are_finite(loss):
    embedding, score, subject = scans(dtype=torch.float32)
    assert finite(loss, embedding, 100 * score, subject)


@pytest.mark.parametrize("subject", [[0, 1], [0, 0], [0]])
def test_a_batch_with_nothing_to_compare_gives_zero_with_a_way_for_gradients(loss, subject):
    embedding, score, _ = scans(len(subject))
    value = loss(embedding, score, torch.tensor(subject))
    value.backward()
    assert value == 0
    torch.testing.assert_close(embedding.grad, torch.zeros_like(embedding), rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_near_the_loss_of_the_same_numbers_in_double(loss, dtype):
    embedding, score, subject = scans(dtype=dtype)
    value = loss(embedding, score, subject)
    torch.testing.assert_close(value, loss(embedding.double(), score.double(), subject).float())
    assert value.dtype == torch.float32 and finite(loss, embedding, score, subject)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_does_not_change_the_loss(loss, dtype):
    embedding, score, subject = scans(dtype=torch.float32)
    with torch.autocast("cpu", dtype):
        within = loss(embedding, score, subject)
    torch.testing.assert_close(within, loss(embedding, score, subject), rtol=0, atol=0)


def agreement(embedding, score, subject):
    """Correlation of the distances of embeddings with those of scores, between subjects."""
    different = subject[:, None] != subject[None]
    apart = 1 - torch.cosine_similarity(embedding[:, None], embedding[None], dim=2)
    return torch.corrcoef(torch.stack([apart[different], score_distance(score)[different]]))[0, 1]


def test_the_gradient_orders_the_embeddings_by_score(loss):
    embedding, score, subject = scans()
    before = agreement(embedding, score, subject)
    for _ in range(50):
        gradient = torch.autograd.grad(loss(embedding, score, subject), embedding)[0]
        embedding = (embedding - 0.2 * gradient).detach().requires_grad_()
    assert agreement(embedding, score, subject) > before + 0.1
