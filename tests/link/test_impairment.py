import random
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import UsageError
from rtlab.link.impairment import BACKLOG, PROFILES, WINDOW, Impairment, Schedule, make, profile

MS = 1_000_000  # nanoseconds
SECOND = 1000 * MS

IMPAIRMENTS = st.builds(
    Impairment,
    latency=st.floats(0, 10),
    jitter=st.floats(0, 5),
    bandwidth=st.none() | st.floats(100, 1e9),
    slicing=st.none() | st.integers(1, 10_000),
)
ARRIVALS = st.lists(st.tuples(st.integers(0, SECOND), st.binary(max_size=9000)), max_size=8)


def schedule(seed=0, ready_ns=0, **settings):
    return Schedule(Impairment(**settings), random.Random(seed), ready_ns)


def run(timetable, arrivals):
    """Feed in what arrives after which pause, and return when which piece is due."""
    now, due = 0, []
    for pause, data in arrivals:
        now += pause
        due += [(now, *piece) for piece in timetable.pieces(now, data)]
    return due


# ── whatever the impairment ──


@given(IMPAIRMENTS, ARRIVALS, st.integers(0, SECOND))
def test_all_bytes_leave_in_order_and_never_before_they_came(impairment, arrivals, ready):
    due = run(Schedule(impairment, random.Random(1), ready), arrivals)
    assert b"".join(data for _, _, data in due) == b"".join(data for _, data in arrivals)
    times = [at for _, at, _ in due]
    assert times == sorted(times)
    assert all(at >= max(came, ready) for came, at, _ in due)


@given(IMPAIRMENTS, ARRIVALS, st.integers())
def test_the_same_seed_gives_the_same_timetable(impairment, arrivals, seed):
    first = run(Schedule(impairment, random.Random(seed)), arrivals)
    assert run(Schedule(impairment, random.Random(seed)), arrivals) == first


@given(IMPAIRMENTS, ARRIVALS)
def test_the_end_of_the_stream_overtakes_nothing(impairment, arrivals):
    timetable = Schedule(impairment, random.Random(1))
    due = run(timetable, arrivals)
    now = sum(pause for pause, _ in arrivals)
    assert timetable.end(now) >= max([now, *(at for _, at, _ in due)])


@given(st.lists(st.tuples(IMPAIRMENTS, st.integers(0, SECOND), st.binary(max_size=9000))))
def test_order_is_kept_when_the_impairment_changes(steps):
    timetable = schedule()
    now, due = 0, []
    for impairment, pause, data in steps:
        timetable.impairment = impairment
        now += pause
        due += timetable.pieces(now, data)
    assert b"".join(data for _, data in due) == b"".join(data for *_, data in steps)
    assert [at for at, _ in due] == sorted(at for at, _ in due)


def test_a_link_in_good_order_gives_everything_on_at_once():
    assert schedule().pieces(5, b"data") == [(5, b"data")]
    assert schedule().pieces(5, b"") == []


# ── latency and jitter ──


@given(st.integers(0, 10_000), ARRIVALS)
def test_latency_is_exact(ms, arrivals):
    for came, at, _ in run(schedule(latency=ms / 1000), arrivals):
        assert at - came == ms * MS


def test_before_the_handshake_is_through_nothing_leaves():
    timetable = schedule(ready_ns=100 * MS, latency=0.05)
    assert timetable.pieces(0, b"early") == [(150 * MS, b"early")]
    assert timetable.pieces(200 * MS, b"later") == [(250 * MS, b"later")]


def test_jitter_stays_within_its_bounds_and_uses_them():
    timetable = schedule(latency=0.1, jitter=0.02)
    # Half a second between them, so that none is held up by the one before.
    waits = [at - came for came, at, _ in run(timetable, [(SECOND // 2, b"x")] * 1000)]
    assert 80 * MS <= min(waits) < 82 * MS
    assert 118 * MS < max(waits) <= 120 * MS
    assert sum(waits) / len(waits) == pytest.approx(100 * MS, rel=0.02)


def test_jitter_reaches_no_further_back_than_now():
    waits = [at - came for came, at, _ in run(schedule(jitter=0.02), [(SECOND, b"x")] * 200)]
    assert min(waits) == 0 < max(waits)


def test_jitter_never_turns_the_order_round():
    timetable = schedule(latency=0.1, jitter=0.1)
    due = run(timetable, [(0, bytes([n])) for n in range(200)])
    assert [at for _, at, _ in due] == sorted(at for _, at, _ in due)
    assert len({at for _, at, _ in due}) > 1


def test_another_seed_gives_another_jitter():
    first, second = (run(schedule(n, jitter=1), [(0, b"x")] * 20) for n in (1, 2))
    assert first != second


# ── bandwidth ──


@given(st.integers(1000, 10**8), st.lists(st.integers(1, 100_000), min_size=1, max_size=20))
def test_bandwidth_is_exact_to_one_per_cent(bandwidth, sizes):
    due = run(schedule(bandwidth=bandwidth), [(0, bytes(size)) for size in sizes])
    expected = sum(sizes) / bandwidth * SECOND
    assert due[-1][1] == pytest.approx(expected, rel=0.01, abs=len(due))  # 1 ns each to round


def test_a_limited_line_is_never_ahead_of_its_rate_at_any_time():
    due = run(schedule(bandwidth=250_000), [(3 * MS, bytes(5000))] * 100)
    sent = 0
    for _, at, data in due:
        sent += len(data)
        assert sent <= 250_000 * at / SECOND + 1


def test_a_line_that_was_idle_saves_up_nothing():
    timetable = schedule(bandwidth=1000)
    timetable.pieces(0, bytes(100))
    assert timetable.pieces(10 * SECOND, bytes(100))[-1][0] == 10 * SECOND + 100 * MS


def test_latency_and_bandwidth_add_up_but_do_not_multiply():
    due = run(schedule(bandwidth=4096, latency=0.5), [(0, bytes(3 * 4096))])
    assert [at for _, at, _ in due] == [1500 * MS, 2500 * MS, 3500 * MS]


def test_a_limited_line_sends_small_pieces():
    due = run(schedule(bandwidth=1e6), [(0, bytes(100_000))])
    assert max(len(data) for *_, data in due) <= 4096


# ── slicing ──


@given(st.integers(1, 50), st.binary(min_size=1, max_size=2000))
def test_a_slice_is_no_larger_than_asked_and_only_the_last_is_smaller(size, data):
    slices = [data for *_, data in run(schedule(slicing=size), [(0, data)])]
    assert all(len(piece) == size for piece in slices[:-1])
    assert 1 <= len(slices[-1]) <= size


def test_slices_leave_half_a_millisecond_apart():
    due = run(schedule(slicing=2), [(0, b"abcdef"), (0, b"gh")])
    assert [at for _, at, _ in due] == [0, MS // 2, MS, 3 * MS // 2]


# ── settings ──


def test_a_new_impairment_does_nothing():
    nothing = Impairment()
    assert not nothing.delays and nothing.limit is None and nothing.window == WINDOW


@pytest.mark.parametrize(
    "settings",
    [
        {"latency": 0.1},
        {"jitter": 0.1},
        {"bandwidth": 1.0},
        {"slicing": 1},
        {"stalled": True},
    ],
)
def test_each_of_these_delays(settings):
    assert Impairment(**settings).delays


def test_the_earlier_of_two_limits_counts():
    assert Impairment(cut_after=10, reset_after=20).limit == 10
    assert Impairment(cut_after=30, reset_after=20).limit == 20
    assert Impairment(cut_after=0).limit == 0


def test_a_limited_line_holds_what_is_under_way_and_a_small_backlog():
    assert Impairment(bandwidth=1000, latency=2, jitter=1).window == BACKLOG + 3000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latency", -0.1),
        ("latency", float("nan")),
        ("latency", "fast"),
        ("jitter", -1),
        ("bandwidth", 0),
        ("bandwidth", -5),
        ("bandwidth", float("inf")),
        ("slicing", 0),
        ("slicing", 1.5),
        ("cut_after", -1),
        ("reset_after", 2.0),
        ("reset_after", True),
    ],
)
def test_a_setting_out_of_bounds_is_named(name, value):
    with pytest.raises(UsageError, match=f"^{name} must be"):
        Impairment(**{name: value})


def test_settings_are_for_both_directions():
    up, down = make(None, {"latency": 0.1, "slicing": 5})
    assert up == down == Impairment(latency=0.1, slicing=5)


@pytest.mark.parametrize(
    ("typed", "meant"), [("latancy", "latency"), ("band-width", "bandwidth"), ("stall", "stalled")]
)
def test_a_slip_in_a_setting_is_answered_with_the_nearest(typed, meant):
    with pytest.raises(UsageError, match=f"Did you mean '{meant}'"):
        make(None, {typed: 1})


def test_a_slip_in_a_profile_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'satellite'"):
        profile("sattelite")


@pytest.mark.parametrize("name", ["", None, 4, ["lan"]])
def test_what_is_no_profile_gets_the_list(name):
    with pytest.raises(UsageError, match="lan, broadband, 4g, satellite"):
        profile(name)


def test_a_profile_and_settings_do_not_mix():
    with pytest.raises(UsageError, match="either profile='lan' or latency"):
        make("lan", {"latency": 1})


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_valid_and_says_where_its_figures_are_from(name):
    chosen = profile(name)
    assert len(chosen.source) > 20
    for impairment in (chosen.up, chosen.down):
        again = Impairment(**{f.name: getattr(impairment, f.name) for f in fields(impairment)})
        assert again == impairment and impairment.delays
        assert not impairment.stalled and impairment.limit is None
        assert impairment.jitter <= impairment.latency
    assert make(name, {}) == (chosen.up, chosen.down)


def test_an_impairment_cannot_be_changed_behind_the_links_back():
    with pytest.raises(AttributeError):
        Impairment().latency = 1.0
    assert replace(Impairment(), latency=1.0).latency == 1.0
