import pytest
import torch

from clinimcl.losses.rank_n_contrast import RankNContrast, rank_n_contrast


def scans(subjects, seed=0):
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(len(subjects), 5, generator=generator, dtype=torch.float64, requires_grad=True)
    return embedding, torch.randn(len(subjects), generator=generator, dtype=torch.float64), torch.tensor(subjects)


def transcribed(embedding, score, subject, temperature, same_subject):
    """Equation 1 of Zha et al. with loops."""

    def similarity(i, j):
        return -(embedding[i] - embedding[j]).norm()

    losses = []
    for i in range(len(score)):
        others = [j for j in range(len(score)) if j != i and (same_subject or subject[j] != subject[i])]
        terms = []
        for j in others:
            as_far = [k for k in others if abs(score[i] - score[k]) >= abs(score[i] - score[j])]
            denominator = sum(torch.exp(similarity(i, k) / temperature) for k in as_far)
            terms.append(-torch.log(torch.exp(similarity(i, j) / temperature) / denominator))
        if terms:
            losses.append(sum(terms) / len(terms))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("subjects", [[0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1]])
@pytest.mark.parametrize("same_subject", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_equals_the_transcribed_equation_and_its_gradient(subjects, same_subject, ties):
    embedding, score, subject = scans(subjects)
    score = score.round() if ties else score
    settings = {"temperature": 0.5, "same_subject": same_subject}
    loss = rank_n_contrast(embedding, score, subject, **settings)
    expected = transcribed(embedding, score, subject, **settings)
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(value, embedding)[0] for value in (loss, expected)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


def test_embeddings_in_the_order_of_scores_give_less_than_shuffled_ones():
    score = torch.arange(8.0)
    loss = RankNContrast(temperature=0.1, same_subject=False)
    ordered = loss(score[:, None], score, torch.arange(8))
    shuffled = loss(score[torch.randperm(8, generator=torch.Generator().manual_seed(0))][:, None], score, score.long())
    assert ordered < shuffled


def test_close_embeddings_of_a_large_batch_keep_their_distances():
    embedding, score, subject = scans(range(40))
    offset = (100 + 1e-2 * embedding).detach().requires_grad_()
    single = rank_n_contrast(offset.float(), score.float(), subject, temperature=0.01, same_subject=True)
    double = rank_n_contrast(offset, score, subject, temperature=0.01, same_subject=True)
    torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=0)  # float32 carries 1e-5 of 100 ± 0.01


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"temperature must be positive, got 0\.0"):
        RankNContrast(temperature=0.0, same_subject=False)
