import pytest

from clinimcl.config.building import ALLOWED
from clinimcl.config.renamed import RENAMED, with_new_names


@pytest.mark.parametrize("before", RENAMED)
def test_a_name_of_before_is_that_of_an_allowed_class(before):
    assert before not in ALLOWED
    assert RENAMED[before] in ALLOWED


def test_names_are_found_at_any_depth_and_all_else_stays():
    before, after = next(iter(RENAMED.items()))
    node = {"a": [{"_target_": before, "text": before}], "b": {"_target_": "torch.optim.adamw.AdamW"}, "c": None}
    assert with_new_names(node) == {**node, "a": [{"_target_": after, "text": before}]}
