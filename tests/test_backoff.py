import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.backoff import Backoff
from rtlab.errors import UsageError

SECONDS = st.floats(0.001, 1000)


@given(SECONDS, SECONDS, st.integers(0), st.integers(0, 30))
def test_a_delay_lies_between_half_the_ceiling_and_the_ceiling(base, cap, seed, failures):
    backoff = Backoff(base, cap, rng=random.Random(seed))
    for _ in range(failures):
        backoff.next()
    ceiling = min(cap, base * 2**failures)
    assert ceiling / 2 <= backoff.next() <= ceiling


def test_the_ceiling_doubles_up_to_the_cap():
    class Highest(random.Random):
        def uniform(self, a, b):
            return b

    backoff = Backoff(0.5, 30, rng=Highest())
    assert [backoff.next() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_success_begins_anew():
    backoff = Backoff(1, 60)
    for _ in range(10):
        backoff.next()
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next() <= 1


def test_a_night_without_a_server_does_not_overflow():
    backoff = Backoff(0.5, 30)
    backoff.failures = 10**6
    assert 15 <= backoff.next() <= 30


@given(SECONDS, st.integers(0, 20))
def test_what_the_server_asks_for_is_added_but_never_beyond_the_cap(least, failures):
    backoff = Backoff(0.5, 30, least)
    for _ in range(failures):
        backoff.next()
    assert min(30, least) <= backoff.next() <= 30


def test_the_same_seed_gives_the_same_delays_and_another_gives_others():
    first, second, other = (Backoff(rng=random.Random(seed)) for seed in (1, 1, 2))
    delays = [first.next() for _ in range(10)]
    assert [second.next() for _ in range(10)] == delays
    assert [other.next() for _ in range(10)] != delays


def test_two_clients_that_were_cut_together_do_not_come_back_together():
    assert Backoff().next() != Backoff().next()


@pytest.mark.parametrize(
    "options",
    [{"base": 0}, {"base": -1}, {"cap": 0}, {"least": -0.1}, {"base": float("nan")}, {"cap": "1"}],
)
def test_delays_that_make_no_sense_are_refused(options):
    name = next(iter(options))
    with pytest.raises(UsageError, match=name):
        Backoff(**options)
