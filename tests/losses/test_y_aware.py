import math

import pytest
import torch

from clinimcl.losses.y_aware import YAware, y_aware


def scans(subjects, seed=0):
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(len(subjects), 5, generator=generator, dtype=torch.float64, requires_grad=True)
    return embedding, torch.randn(len(subjects), generator=generator, dtype=torch.float64), torch.tensor(subjects)


def transcribed(embedding, score, subject, sigma, temperature, same_subject):
    """y-Aware InfoNCE of Dufumier et al. with loops, one view a scan, without the constant 1/n."""
    z = [row / row.norm() for row in embedding]
    losses = []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i and (same_subject or subject[j] != subject[i])]
        if not others:
            continue
        kernel = {k: math.exp(-(float(score[i] - score[k]) ** 2) / (2 * sigma**2)) for k in others}
        denominator = sum(torch.exp(z[i] @ z[j] / temperature) for j in others)
        shares = {k: torch.log(torch.exp(z[i] @ z[k] / temperature) / denominator) for k in others}
        losses.append(-sum(kernel[k] / sum(kernel.values()) * shares[k] for k in others))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("subjects", [[0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 2, 3, 4, 5, 6]])
@pytest.mark.parametrize("same_subject", [False, True])
def test_equals_the_transcribed_equation_and_its_gradient(subjects, same_subject):
    embedding, score, subject = scans(subjects)
    settings = {"sigma": 0.3, "temperature": 0.1, "same_subject": same_subject}
    loss = y_aware(embedding, score, subject, **settings)
    expected = transcribed(embedding, score, subject, **settings)
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(value, embedding)[0] for value in (loss, expected)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


def test_identical_embeddings_give_the_log_of_the_number_of_others():
    value = y_aware(torch.ones(5, 3), torch.arange(5.0), torch.arange(5), sigma=1.0, temperature=0.1, same_subject=True)
    assert value.item() == pytest.approx(math.log(4))


def test_a_kernel_too_narrow_for_every_score_still_weighs_the_nearest():
    embedding, _, subject = scans([0, 1, 2])
    settings = {"temperature": 0.1, "same_subject": False}
    score = torch.tensor([0.0, 1.0, 3.0])
    narrow = y_aware(embedding.float(), score, subject, sigma=1e-3, **settings)
    nearest = y_aware(embedding.float(), score, subject, sigma=0.2, **settings)
    torch.testing.assert_close(narrow, nearest)


@pytest.mark.parametrize(("sigma", "temperature", "named"), [(0.0, 0.1, "sigma"), (0.3, 0.0, "temperature")])
def test_a_width_of_zero_is_refused(sigma, temperature, named):
    with pytest.raises(ValueError, match=rf"{named} must be positive, got 0\.0"):
        YAware(sigma=sigma, temperature=temperature, same_subject=False)
