import pytest
import torch

from clinimcl.encoders.change_classifier import ChangeClassifier


def classifier(combine: str) -> ChangeClassifier:
    torch.manual_seed(0)
    return ChangeClassifier(5, combine=combine, hidden=[7], dropout=0.5).eval()


def scans() -> torch.Tensor:
    return torch.randn(2, 20, 5, generator=torch.Generator().manual_seed(0))


def test_exchanged_scans_exchange_the_antisymmetric_answer_exactly():
    earlier, later = scans()
    model = classifier("antisymmetric")
    assert torch.equal(model(earlier, later), model(later, earlier).flip(1))


def test_the_same_scan_twice_is_neither_improved_nor_deteriorated():
    scan = scans()[0]
    logits = classifier("antisymmetric")(scan, scan)
    assert torch.equal(logits[:, 0], logits[:, 2])


def test_a_difference_does_not_see_what_both_scans_share():
    earlier, later = scans()
    model = classifier("difference")
    torch.testing.assert_close(model(earlier, later), model(earlier + 3, later + 3), rtol=1e-4, atol=1e-5)


def test_a_concatenation_does():
    earlier, later = scans()
    model = classifier("concatenation")
    assert not torch.allclose(model(earlier, later), model(earlier + 3, later + 3))


def test_the_unit_of_the_embedding_does_not_matter():
    earlier, later = scans()
    one, other = classifier("difference"), classifier("difference")
    one.fit_scale(scans().flatten(0, 1))
    other.fit_scale(1000 * scans().flatten(0, 1))
    torch.testing.assert_close(one(earlier, later), other(1000 * earlier, 1000 * later), rtol=1e-4, atol=1e-5)


def test_an_unknown_combination_is_refused():
    with pytest.raises(ValueError, match="combine must be difference"):
        classifier("sum")
