import math

import pytest
import torch

from clinimcl.losses.sup_con import SupCon, sup_con

KEPT = {"temperature": 0.1, "same_subject": False}


def scans(subjects, seed=0):
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(len(subjects), 5, generator=generator, dtype=torch.float64, requires_grad=True)
    return embedding, torch.randn(len(subjects), generator=generator, dtype=torch.float64), torch.tensor(subjects)


def transcribed(embedding, score_class, subject, temperature, same_subject):
    """Equation 2 of Khosla et al. with loops."""
    z = [row / row.norm() for row in embedding]
    losses = []
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i and (same_subject or subject[a] != subject[i])]
        positives = [p for p in others if score_class[p] == score_class[i]]
        if not positives:
            continue
        denominator = sum(torch.exp(z[i] @ z[a] / temperature) for a in others)
        losses.append(-sum(torch.log(torch.exp(z[i] @ z[p] / temperature) / denominator) for p in positives))
        losses[-1] = losses[-1] / len(positives)
    return sum(losses) / len(losses)


@pytest.mark.parametrize("subjects", [[0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 2, 3, 4, 5, 6]])
@pytest.mark.parametrize("same_subject", [False, True])
def test_equals_the_transcribed_equation_and_its_gradient(subjects, same_subject):
    embedding, score, subject = scans(subjects)
    score_class = (score > 0).long()
    settings = {"temperature": 0.1, "same_subject": same_subject}
    loss = sup_con(embedding, score_class, subject, **settings)
    expected = transcribed(embedding, score_class, subject, **settings)
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(value, embedding)[0] for value in (loss, expected)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


def test_classes_are_cut_at_the_bins_and_an_edge_belongs_below():
    embedding, _, subject = scans([0, 1, 2, 3])
    loss = SupCon(bins=[-1.0, 1.0], temperature=0.1, same_subject=False)
    value = loss(embedding, torch.tensor([-3.0, -1.0, 1.0, 0.5]), subject)
    torch.testing.assert_close(value, sup_con(embedding, torch.tensor([0, 0, 1, 1]), subject, **KEPT))


def test_identical_embeddings_give_the_log_of_the_number_of_others():
    same = torch.ones(5, 3)
    value = sup_con(same, torch.tensor([0, 0, 1, 1, 1]), torch.arange(5), **KEPT)
    assert value.item() == pytest.approx(math.log(4))


def test_scans_all_of_different_classes_give_zero():
    embedding, _, subject = scans([0, 1, 2])
    assert sup_con(embedding, torch.arange(3), subject, **KEPT) == 0


@pytest.mark.parametrize("bins", [[], [0.5, 0.5], [1.0, 0.0]])
def test_bins_that_do_not_ascend_are_refused(bins):
    with pytest.raises(ValueError, match="bins must be one or more ascending edges"):
        SupCon(bins=bins, temperature=0.1, same_subject=False)


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"temperature must be positive, got 0\.0"):
        SupCon(bins=[0.0], temperature=0.0, same_subject=False)
