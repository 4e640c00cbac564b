import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from clinimcl.storage.overlap import OneAtATime, Stopped, Turns, waiting


def run(turns, work, items):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda item: turns.run(work, item), items))


def test_others_compute_while_one_waits():
    computed = threading.Event()

    def work(first):
        if first:
            with waiting():
                assert computed.wait(10)
        else:
            computed.set()
        return first

    assert run(Turns(OneAtATime()), work, [True, False]) == [True, False]


def test_one_computes_at_a_time():
    computing, most = [], []

    def work(item):
        with waiting():
            time.sleep(0.001)
        computing.append(item)
        most.append(len(computing))
        time.sleep(0.002)
        computing.remove(item)

    run(Turns(OneAtATime()), work, range(40))
    assert max(most) == 1


def test_a_full_memory_keeps_others_from_asking_for_more():
    turns = Turns(OneAtATime(), most_bytes=150)
    asking, most = [], []

    def work(item):
        with waiting() as came:
            asking.append(item)
            most.append(len(asking))
            time.sleep(0.002)
            came(100)
            asking.remove(item)

    turns.run(work, 0)  # tells how large an object is
    run(turns, work, range(1, 30))
    assert max(most) == 1


def test_who_holds_bytes_already_may_ask_for_more():
    def work(item):
        for _ in range(2):
            with waiting() as came:
                came(100)
        return item

    assert run(Turns(OneAtATime(), most_bytes=150), work, range(30)) == list(range(30))


def test_bytes_are_given_back_by_work_that_fails():
    turns = Turns(OneAtATime(), most_bytes=150)

    def work(item):
        with waiting() as came:
            came(100)
        raise ValueError(item)

    for item in range(5):
        with pytest.raises(ValueError, match=str(item)):
            turns.run(work, item)


def test_nobody_computes_after_a_stop():
    turn, stopped = OneAtATime(), threading.Event()
    turns, computed = Turns(turn), []

    def work(item):
        with waiting():
            stopped.wait(10)
        computed.append(item)

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(turns.run, work, item) for item in range(4)]
        turn.stop()
        stopped.set()
    assert [type(future.exception()) for future in futures] == [Stopped] * 4
    assert computed == []


def test_outside_of_turns_waiting_is_nothing():
    with waiting() as came:
        assert came(1) is None
