import pytest
import torch

from clinimcl.losses.ranked_contrast import RankedContrast
from clinimcl.losses.score_objective import ScoreObjective


def batch():
    generator = torch.Generator().manual_seed(0)
    prediction, score = torch.randn(2, 6, generator=generator, dtype=torch.float64)
    return prediction, torch.randn(6, 4, generator=generator, dtype=torch.float64), score, torch.arange(6)


def contrast():
    return RankedContrast(weighted=True, mode="weighted", same_subject=False, epsilon=0.1)


def test_the_terms_are_weighed_by_lambda_and_the_rest():
    prediction, embedding, score, subject = batch()
    objective = ScoreObjective(mse_weight=0.9, contrast=contrast())
    mse = sum((y - s) ** 2 for y, s in zip(prediction, score, strict=True)) / 6
    expected = 0.9 * mse + 0.1 * contrast()(embedding, score, subject)
    torch.testing.assert_close(objective(prediction, embedding, score, subject), expected, rtol=0, atol=1e-10)


def test_the_terms_can_be_read_apart():
    prediction, embedding, score, subject = batch()
    mse, contrasted = ScoreObjective(mse_weight=0.3, contrast=contrast()).terms(prediction, embedding, score, subject)
    torch.testing.assert_close(mse, (prediction - score).square().mean())
    torch.testing.assert_close(contrasted, contrast()(embedding, score, subject))


def test_without_a_contrast_it_is_the_mean_squared_error():
    prediction, embedding, score, subject = batch()
    objective = ScoreObjective(mse_weight=1.0, contrast=None)
    assert objective.terms(prediction, embedding, score, subject)[1] == 0
    torch.testing.assert_close(objective(prediction, embedding, score, subject), (prediction - score).square().mean())


def test_a_half_precision_prediction_does_not_overflow():
    subject = torch.arange(4)
    prediction = torch.full((4,), 300.0, dtype=torch.float16)
    mse, _ = ScoreObjective(mse_weight=1.0, contrast=None).terms(prediction, torch.ones(4, 2), torch.zeros(4), subject)
    assert mse.item() == 90_000


@pytest.mark.parametrize("mse_weight", [-0.1, 1.1])
def test_a_weight_outside_zero_to_one_is_refused(mse_weight):
    with pytest.raises(ValueError, match="mse_weight must be between 0 and 1"):
        ScoreObjective(mse_weight=mse_weight, contrast=contrast())


def test_weight_left_for_no_contrast_is_refused():
    with pytest.raises(ValueError, match=r"mse_weight must be 1 where contrast is null, got 0\.9"):
        ScoreObjective(mse_weight=0.9, contrast=None)
