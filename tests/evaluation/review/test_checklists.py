import pytest

from clinimcl.evaluation.review.checklists import CHECKLISTS, CLAIM, LACKING, TRIPOD, Item, answer, answers, tally


def test_claim_has_its_44_items_in_order():
    assert [item.number for item in CLAIM] == [str(number) for number in range(1, 45)]


def test_tripod_has_its_52_parts_of_27_items():
    numbers = [item.number for item in TRIPOD]
    assert len(set(numbers)) == 52
    assert list(dict.fromkeys(number.rstrip("abcdefg") for number in numbers)) == [
        str(number) for number in range(1, 28)
    ]
    parts = {"12": "abcdefg", "18": "abcdef", "20": "abc", "23": "ab", "27": "abc", "8": "abc"}
    assert all({f"{item}{letter}" for letter in letters} <= set(numbers) for item, letters in parts.items())


def test_an_item_whose_fact_is_not_known_is_open():
    assert answer(Item("1", "asks", ("size",)), {}).state == "open"


def test_an_item_with_all_its_facts_is_the_run_s_unless_the_author_must_add():
    assert answer(Item("1", "asks", ("size",)), {"size": "40."}).state == "run"
    assert answer(Item("1", "asks", ("size",), "the plan"), {"size": "40."})[2:] == ("partly", "40.", "the plan")


def test_an_item_that_lacks_one_of_its_facts_says_which():
    said = answer(Item("1", "asks", ("size", "groups")), {"size": "40."})
    assert (said.state, said.author) == ("partly", "performance by group")


@pytest.mark.parametrize("items", CHECKLISTS.values())
def test_every_fact_of_several_has_words_for_its_absence(items):
    assert {name for item in items if len(item.facts) > 1 for name in item.facts} <= set(LACKING)


def test_the_tally_counts_every_item():
    assert tally(answers(CLAIM, {"flow": "f"})) == {"run": 1, "partly": 0, "open": 43}
