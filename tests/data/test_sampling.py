from collections import Counter

import numpy as np
import pandas as pd
import pytest

from clinimcl.data.sampling import PairSampler, Sampling, ScanSampler, ScanSampling, Sessions, Turn, fixed_pairs
from clinimcl.errors import UserError


def scans(subjects=12, sessions=3, runs=1):
    rows = [(f"s{s}", f"d{v}", r) for s in range(subjects) for v in range(sessions) for r in range(runs)]
    return pd.DataFrame(rows, columns=["subject", "session", "run"])


def sampler(table=None, batch=4, pairs=12, share=1.0, seed=0, **turn):
    sampling = Sampling(batch=batch, pairs_per_epoch=pairs, subject_share=share, seed=seed)
    return PairSampler(Sessions(scans() if table is None else table), sampling, Turn(**turn))


def drawn_subjects(pair_sampler, table=None):
    return [(scans() if table is None else table)["subject"][anchor] for anchor, _ in pair_sampler]


def test_a_pair_is_of_one_subject_and_two_sessions():
    table = scans(runs=2)
    for anchor, positive in sampler(table, pairs=48):
        assert table["subject"][anchor] == table["subject"][positive]
        assert table["session"][anchor] != table["session"][positive]


@pytest.mark.parametrize("subjects", [4, 5, 7, 12])
def test_a_subject_is_at_most_once_in_a_batch(subjects):
    table = scans(subjects)
    drawn = drawn_subjects(sampler(table, batch=4, pairs=40), table)
    assert all(len(set(drawn[start : start + 4])) == 4 for start in range(0, 40, 4))


def test_subjects_are_drawn_equally_often():
    table = scans(7)
    counts = Counter(drawn_subjects(sampler(table, batch=4, pairs=28), table))
    assert set(counts.values()) == {4}


def test_an_epoch_has_the_configured_number_of_pairs_in_whole_batches():
    assert len(sampler(batch=5, pairs=23)) == len(list(sampler(batch=5, pairs=23))) == 20


def test_the_same_seed_and_epoch_draw_the_same_pairs():
    assert list(sampler(epoch=3)) == list(sampler(epoch=3))


def test_epochs_and_seeds_draw_other_pairs():
    assert list(sampler(epoch=3)) != list(sampler(epoch=4))
    assert list(sampler(seed=3)) != list(sampler(seed=4))


def test_the_share_rotates_through_all_subjects():
    drawn = [set(drawn_subjects(sampler(share=0.25, batch=3, epoch=epoch))) for epoch in range(4)]
    assert [len(subjects) for subjects in drawn] == [3, 3, 3, 3]
    assert len(set().union(*drawn)) == 12


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_a_share_of_any_size_is_drawn_from_and_never_repeats_a_subject_in_a_batch(share):
    table = scans(11)
    for epoch in range(5):
        drawn = drawn_subjects(sampler(table, batch=3, pairs=9, share=share, epoch=epoch), table)
        assert len(set(drawn)) <= round(share * 11)
        assert all(len(set(drawn[start : start + 3])) == 3 for start in range(0, 9, 3))


def test_a_subject_with_one_session_is_never_drawn():
    table = pd.concat([scans(4), pd.DataFrame([("alone", "d0", 0)], columns=["subject", "session", "run"])])
    assert len(Sessions(table.reset_index(drop=True))) == 4


def test_a_batch_larger_than_the_share_is_refused_with_both_numbers():
    with pytest.raises(UserError, match=r"pretrain.batch=4 pairs .* draws from 3 subjects"):
        sampler(share=0.25, batch=4)


def test_validation_pairs_are_one_a_subject_and_always_the_same():
    pairs = fixed_pairs(Sessions(scans()), seed=0)
    assert len({scans()["subject"][anchor] for anchor, _ in pairs}) == len(pairs) == 12
    assert pairs == fixed_pairs(Sessions(scans()), seed=0)


def test_labels_of_the_table_need_not_be_its_rows():
    table = scans(runs=2).sample(frac=1, random_state=0).set_axis(range(100, 172))
    for anchor, positive in sampler(table, pairs=24):
        assert table["subject"][anchor] == table["subject"][positive]
        assert table["session"][anchor] != table["session"][positive]


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_an_epoch_that_is_taken_up_goes_on_where_it_was_left(steps):
    whole = sampler(pairs=24, epoch=2)
    assert list(sampler(pairs=24, epoch=2, steps=steps)) == list(whole)[4 * steps :]


def test_the_epoch_after_the_one_taken_up_is_drawn_whole():
    resumed = sampler(pairs=24, epoch=2, steps=3)
    resumed.set_epoch(3)
    assert list(resumed) == list(sampler(pairs=24, epoch=3))


def test_several_processes_share_the_steps_of_one():
    alone = list(sampler(batch=6, pairs=24))
    parts = [list(sampler(batch=6, pairs=24, rank=rank, processes=3)) for rank in range(3)]
    together = [pair for step in range(4) for part in parts for pair in part[2 * step : 2 * step + 2]]
    assert together == alone


def test_scans_are_shared_and_taken_up_like_pairs():
    def drawn(**turn):
        return list(ScanSampler(np.arange(13), ScanSampling(batch=4, seed=0), Turn(**turn)))

    first, second = (drawn(rank=rank, processes=2) for rank in range(2))
    assert [*first[:2], *second[:2], *first[2:4], *second[2:4]] == drawn()[:8]
    assert drawn(epoch=1, steps=2) == drawn(epoch=1)[8:]


def test_a_batch_that_the_processes_cannot_share_is_refused():
    with pytest.raises(UserError, match=r"pretrain.batch=4 must be shared equally by 3 processes .*pretrain.batch=3"):
        sampler(batch=4, pairs=24, processes=3)
