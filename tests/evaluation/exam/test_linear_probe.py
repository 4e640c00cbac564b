import numpy as np

from clinimcl.evaluation.exam.linear_probe import answers
from clinimcl.evaluation.exam.partition import TEST, partition


def test_a_class_that_the_embedding_shows_is_answered_right():
    label = np.arange(90) % 3
    vectors = np.eye(3)[label] + 0.01 * np.random.default_rng(0).normal(size=(90, 3))
    told = answers(vectors, label, partition(np.arange(90), label, np.random.default_rng(0)))
    assert (told.answered == told.truth).all()


def test_only_the_tested_items_are_answered():
    label, rng = np.arange(60) % 2, np.random.default_rng(0)
    part = partition(np.arange(60), label, np.random.default_rng(0))
    told = answers(rng.normal(size=(60, 4)), label, part)
    assert told.item.tolist() == np.flatnonzero(part == TEST).tolist()


def test_labels_of_tested_items_change_no_answer():
    label, rng = np.arange(60) % 2, np.random.default_rng(0)
    part, vectors = partition(np.arange(60), label, np.random.default_rng(0)), rng.normal(size=(60, 4))
    other = np.where(part == TEST, 1 - label, label)
    one, another = (answers(vectors, labels, part).probability for labels in (label, other))
    np.testing.assert_array_equal(one, another)


def test_tested_vectors_change_nobody_else_s_answer():
    label, rng = np.arange(60) % 2, np.random.default_rng(0)
    part, vectors = partition(np.arange(60), label, np.random.default_rng(0)), rng.normal(size=(60, 4))
    moved = vectors.copy()
    moved[np.flatnonzero(part == TEST)[0]] += 100
    one, another = (answers(own, label, part).probability for own in (vectors, moved))
    np.testing.assert_array_equal(one[1:], another[1:])


def test_units_of_the_embedding_change_nothing():
    label, rng = np.arange(60) % 2, np.random.default_rng(0)
    part, vectors = partition(np.arange(60), label, np.random.default_rng(0)), rng.normal(size=(60, 4))
    one, another = (answers(own, label, part).probability for own in (vectors, 1000 * vectors + 5))
    np.testing.assert_allclose(one, another, atol=1e-6)
