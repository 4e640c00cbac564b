import math

import pytest
import torch
from torch.nn import functional

from clinimcl.losses.info_nce import InfoNCE, info_nce


def projections(batch=6, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, 5, generator=generator, dtype=dtype) for _ in range(2)]


def transcribed(anchor, positive, subject, temperature):
    """Equation 1 of ClinImCL with loops, in float64; scans of the anchor's own subject are no negatives."""

    def similarity(a, b):
        return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))

    losses = []
    for i in range(len(anchor)):
        others = [j for j in range(len(anchor)) if j == i or subject[j] != subject[i]]
        terms = {j: math.exp(similarity(anchor[i], positive[j]) / temperature) for j in others}
        losses.append(-math.log(terms[i] / sum(terms.values())))
    return torch.tensor(losses)


@pytest.mark.parametrize("subjects", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 3]])
@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_equals_the_transcribed_equation(subjects, temperature):
    anchor, positive = projections()
    loss = info_nce(anchor, positive, torch.tensor(subjects), temperature=temperature)
    expected = transcribed(anchor.double(), positive.double(), subjects, temperature)
    torch.testing.assert_close(loss, expected)


def plain(anchor, positive, subject, temperature, symmetric):
    """The whole matrix at once, as the field writes it."""
    cosine = functional.normalize(anchor, dim=1) @ functional.normalize(positive, dim=1).T
    left_out = (subject[:, None] == subject[None, :]) & ~torch.eye(len(subject), dtype=torch.bool)
    logits, own = (cosine / temperature).masked_fill(left_out, -torch.inf), torch.arange(len(subject))
    both = [functional.cross_entropy(each, own, reduction="none") for each in (logits, logits.T)]
    return sum(both) / 2 if symmetric else both[0]


@pytest.mark.parametrize("subject", [torch.arange(600), torch.arange(600) // 3], ids=["all differ", "three of each"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_a_batch_of_several_blocks_has_the_values_and_gradients_of_one_matrix(subject, symmetric):
    results = []
    for function in (info_nce, plain):
        both = [part.requires_grad_() for part in projections(600, dtype=torch.float64)]
        loss = function(*both, subject, temperature=0.07, symmetric=symmetric)
        results.append([loss, *torch.autograd.grad(loss.mean(), both)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("temperature", [0.02, 0.01, 0.0015])
def test_a_low_temperature_neither_overflows_nor_vanishes(temperature):
    anchor, positive = projections()
    anchor[0], positive[0], positive[1:] = torch.ones(5), -torch.ones(5), -torch.ones(5)  # its cosines are all -1
    anchor.requires_grad_()
    loss = info_nce(anchor, positive, torch.arange(6), temperature=temperature, symmetric=True)
    loss.mean().backward()
    expected = plain(anchor.double(), positive.double(), torch.arange(6), temperature, symmetric=True).float()
    torch.testing.assert_close(loss, expected)
    assert loss.dtype == torch.float32
    assert anchor.grad.isfinite().all()


def test_identical_projections_give_the_log_of_the_batch():
    same = torch.ones(8, 4)
    assert info_nce(same, same, torch.arange(8), temperature=0.07).mean().item() == pytest.approx(math.log(8))


def test_perfect_projections_of_many_dimensions_give_almost_nothing():
    perfect = torch.eye(8)
    assert info_nce(perfect, perfect, torch.arange(8), temperature=0.07).max() < 1e-4


def test_same_subject_is_not_a_negative():
    anchor, positive = projections(3)
    alone = info_nce(anchor[:2], positive[:2], torch.tensor([0, 1]), temperature=0.1)[0]
    beside_itself = info_nce(anchor, positive, torch.tensor([0, 1, 0]), temperature=0.1)[0]
    torch.testing.assert_close(beside_itself, alone)


def test_the_length_of_a_projection_does_not_matter():
    anchor, positive = projections()
    plain = info_nce(anchor, positive, torch.arange(6), temperature=0.1)
    torch.testing.assert_close(info_nce(3 * anchor, positive / 7, torch.arange(6), temperature=0.1), plain)


def test_the_order_of_pairs_does_not_matter():
    anchor, positive = projections()
    order = torch.tensor([3, 1, 5, 0, 4, 2])
    plain = info_nce(anchor, positive, torch.arange(6), temperature=0.1)
    torch.testing.assert_close(info_nce(anchor[order], positive[order], order, temperature=0.1), plain[order])


def test_swapped_views_do_not_change_the_symmetric_loss():
    anchor, positive = projections()
    loss = InfoNCE(temperature=0.1, symmetric=True)
    torch.testing.assert_close(loss(anchor, positive, torch.arange(6)), loss(positive, anchor, torch.arange(6)))


def test_half_precision_does_not_overflow_at_a_low_temperature():
    anchor, positive = projections()
    full = info_nce(anchor, positive, torch.arange(6), temperature=0.01)
    half = info_nce(anchor.half(), positive.half(), torch.arange(6), temperature=0.01)
    torch.testing.assert_close(half, full, rtol=0.02, atol=0.02)  # float16 inputs carry 3 digits


def test_autocast_leaves_the_logits_in_float32():
    anchor, positive = projections()
    full = info_nce(anchor, positive, torch.arange(6), temperature=0.07)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(info_nce(anchor, positive, torch.arange(6), temperature=0.07), full)


def test_the_gradient_pulls_an_anchor_towards_its_positive():
    anchor, positive = projections()
    anchor.requires_grad_()
    info_nce(anchor, positive, torch.arange(6), temperature=0.5).mean().backward()
    before = torch.cosine_similarity(anchor, positive).mean()
    after = torch.cosine_similarity(anchor - anchor.grad, positive).mean()
    assert after > before


@pytest.mark.parametrize(("temperature", "told"), [(0.0, "positive, got 0.0"), (0.001, "at least 0.0015.*got 0.001")])
def test_a_temperature_that_cannot_be_computed_with_is_refused(temperature, told):
    with pytest.raises(ValueError, match=f"temperature must be {told}"):
        InfoNCE(temperature=temperature, symmetric=False)
