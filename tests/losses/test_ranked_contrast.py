import math

import pytest
import torch

from clinimcl.losses.pairs import score_distance
from clinimcl.losses.ranked_contrast import RankedContrast, near_and_far, ranked_contrast

TWO_SCANS_EACH = [0, 0, 1, 1, 2, 2, 3, 3]


def scans(subjects, seed=0):
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(len(subjects), 5, generator=generator, dtype=torch.float64, requires_grad=True)
    return embedding, torch.randn(len(subjects), generator=generator, dtype=torch.float64), torch.tensor(subjects)


def transcribed(embedding, score, subject, weighted, mode, same_subject, epsilon):
    """Equations 2 and 3 of LEARNER with loops: means over each set and over anchors, the halves of algorithm 1."""
    losses = []
    for i in range(len(score)):
        others = [j for j in range(len(score)) if j != i and (same_subject or subject[j] != subject[i])]
        if len(others) < 2:
            continue
        others.sort(key=lambda j, i=i: abs(float(score[i] - score[j])))
        near, far = others[: len(others) // 2], others[len(others) // 2 :]
        loss = torch.zeros((), dtype=torch.float64)
        for j in others:
            w = abs(float(score[i] - score[j])) + epsilon if weighted else 1.0
            cosine = (embedding[i] @ embedding[j]) / (embedding[i].norm() * embedding[j].norm())
            sim = torch.clamp(cosine if mode == "paper" else (1 + cosine) / 2, min=1e-4)
            if j in near:
                loss = loss - torch.log(sim) / w / len(near)
            else:
                loss = loss + (torch.log(sim * w) if mode == "paper" else w * torch.log(sim)) / len(far)
        losses.append(loss)
    return sum(losses) / len(losses)


@pytest.mark.parametrize("subjects", [TWO_SCANS_EACH, [0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 2]])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mode", ["paper", "weighted"])
@pytest.mark.parametrize("same_subject", [False, True])
def test_equals_the_transcribed_equation_and_its_gradient(subjects, weighted, mode, same_subject):
    embedding, score, subject = scans(subjects)
    settings = {"weighted": weighted, "mode": mode, "same_subject": same_subject, "epsilon": 0.1}
    loss = ranked_contrast(embedding, score, subject, **settings)
    expected = transcribed(embedding, score, subject, **settings)
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(value, embedding)[0] for value in (loss, expected)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


def test_an_even_batch_has_half_of_it_as_negatives_and_one_fewer_positives():
    score = torch.tensor([0.0, 1.0, 2.0, 4.0, 8.0, 16.0])
    near, far = near_and_far(score_distance(score), ~torch.eye(6, dtype=torch.bool))
    assert near[0].nonzero().flatten().tolist() == [1, 2]
    assert far[0].nonzero().flatten().tolist() == [3, 4, 5]


def test_tied_scans_keep_the_order_of_the_batch():
    near, far = near_and_far(score_distance(torch.zeros(7)), ~torch.eye(7, dtype=torch.bool))
    assert near[3].nonzero().flatten().tolist() == [0, 1, 2]
    assert far[3].nonzero().flatten().tolist() == [4, 5, 6]


def test_same_subject_is_neither_positive_nor_negative():
    among = torch.tensor([0, 0, 1, 2, 3])[:, None] != torch.tensor([0, 0, 1, 2, 3])[None, :]
    near, far = near_and_far(score_distance(torch.tensor([0.0, 0.0, 1.0, 2.0, 3.0])), among)
    assert near[0].nonzero().flatten().tolist() == [2]
    assert far[0].nonzero().flatten().tolist() == [3, 4]


# In the three scans below 0 and 1 are each other's positives and at a negative cosine, where the printed formula's
# clamp stops every gradient; 0 and 2 are the only pair of negatives at a positive one.
NEGATIVES_ONLY = torch.tensor([[1.0, 0.0], [-1.0, -0.5], [0.8, 0.6]], dtype=torch.float64)


def gradient_of(mode, weighted, scores):
    embedding = NEGATIVES_ONLY.clone().requires_grad_()
    score = torch.tensor(scores, dtype=torch.float64)
    loss = RankedContrast(weighted=weighted, mode=mode, same_subject=False, epsilon=0.1)
    value = loss(embedding, score, torch.arange(3))
    return value.detach(), torch.autograd.grad(value, embedding)[0]


def test_the_paper_s_weight_gives_a_negative_no_gradient():
    plain, plain_gradient = gradient_of("paper", False, [0.0, 1.0, 3.0])
    weighted, weighted_gradient = gradient_of("paper", True, [0.0, 1.0, 3.0])
    assert plain_gradient.abs().max() > 0.1
    assert (weighted - plain).abs() > 0.1
    torch.testing.assert_close(weighted_gradient, plain_gradient, rtol=0, atol=1e-12)


def test_mode_weighted_does_push_a_farther_score_away_harder():
    _, near = gradient_of("weighted", True, [0.0, 1.0, 3.0])
    _, far = gradient_of("weighted", True, [0.0, 1.0, 6.0])
    assert far[2].norm() > 1.5 * near[2].norm()


@pytest.mark.parametrize("mode", ["paper", "weighted"])
def test_the_loss_has_a_floor(mode):
    embedding = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
    loss = RankedContrast(weighted=False, mode=mode, same_subject=True, epsilon=0.1)
    value = loss(embedding, torch.tensor([0.0, 0.1, 5.0, 5.1]), torch.arange(4))
    assert value.item() == pytest.approx(math.log(1e-4), rel=0.01)


def test_anchors_with_fewer_than_two_others_contribute_nothing():
    embedding, score, subject = scans([0, 0, 0, 1])
    loss = RankedContrast(weighted=True, mode="weighted", same_subject=False, epsilon=0.1)
    torch.testing.assert_close(
        loss(embedding, score, subject), transcribed(embedding, score, subject, True, "weighted", False, 0.1)
    )


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode must be one of paper, weighted, got text"):
        RankedContrast(weighted=True, mode="text", same_subject=False, epsilon=0.1)


@pytest.mark.parametrize("epsilon", [0.0, -0.1])
def test_an_epsilon_that_is_not_positive_is_refused(epsilon):
    with pytest.raises(ValueError, match="epsilon must be positive"):
        RankedContrast(weighted=True, mode="paper", same_subject=False, epsilon=epsilon)
