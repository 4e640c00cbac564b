from tests.readme_tree import README, with_tree


def test_the_tree_is_that_of_the_folders():
    text = README.read_text()
    assert text == with_tree(text), "python -m tests.readme_tree writes it"
