import pytest
from torch.utils.data import DataLoader, Dataset

from clinimcl.errors import UserError, sentence


class Damaged(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise UserError("one.npy is damaged: prepare again")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_sentence_is_the_same_from_a_loader_s_worker(workers):
    with pytest.raises(UserError) as caught:
        list(DataLoader(Damaged(), num_workers=workers))
    assert sentence(caught.value) == "one.npy is damaged: prepare again"


def test_what_another_error_says_is_left_as_it_is():
    assert sentence(ValueError("UserError: none")) == "UserError: none"
