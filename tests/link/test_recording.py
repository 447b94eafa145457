import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import UsageError
from rtlab.link import Connection, Recording, Segment

SEGMENTS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["up", "down"]), st.binary(max_size=300)),
    max_size=60,
)


def connection(number, closed_ns=None):
    return Connection(number, ("127.0.0.1", 50_000 + number), ("127.0.0.1", 80), number, closed_ns)


def fill(recording, segments):
    offsets = {}
    for time, (number, direction, data) in enumerate(segments):
        offset = offsets.get((number, direction), 0)
        segment = Segment(number, direction, offset, time, None, data)
        offsets[number, direction] = offset + len(data)
        recording.add(segment)
        recording.forwarded(segment, time + 1)


@given(SEGMENTS)
def test_the_counts_are_those_of_what_was_added(segments):
    recording = Recording()
    fill(recording, segments)
    for direction in ("up", "down"):
        data = [piece for _, way, piece in segments if way == direction and piece]
        totals = recording.totals(direction)
        assert totals.segments == len(data)
        assert totals.received == totals.forwarded == sum(map(len, data))
    assert [segment.data for segment in recording] == [data for *_, data in segments]


@given(SEGMENTS)
def test_a_stream_is_what_one_connection_sent_one_way(segments):
    recording = Recording()
    fill(recording, segments)
    for number in (1, 2, 3):
        for direction in ("up", "down"):
            expected = b"".join(d for n, way, d in segments if (n, way) == (number, direction))
            assert recording.stream(number, direction) == expected


@given(SEGMENTS, st.integers(1, 5000))
def test_a_full_recording_drops_the_oldest_and_goes_on_counting(segments, limit):
    recording, everything = Recording(limit), Recording()
    fill(recording, segments)
    fill(everything, segments)
    held = recording.segments
    assert sum(len(segment.data) for segment in held) <= limit
    assert recording.dropped + len(held) == len(segments)
    assert [s.data for s in held] == [data for *_, data in segments[recording.dropped :]]
    assert (recording.up, recording.down) == (everything.up, everything.down)


def test_segments_without_data_take_memory_too():
    recording = Recording(limit=10_000)
    for _ in range(1000):
        recording.add(Segment(1, "up", 0, 0, None, b"", "eof"))
    assert len(recording) <= 10_000 // 200
    assert recording.up.segments == 0  # an end is no piece of data


def test_a_segment_larger_than_the_memory_is_counted_but_not_held():
    recording = Recording(limit=100)
    recording.add(Segment(1, "up", 0, 0, None, bytes(1000)))
    assert (len(recording), recording.dropped, recording.up.received) == (0, 1, 1000)


def test_what_was_never_forwarded_is_not_counted_as_forwarded():
    recording = Recording()
    recording.add(Segment(1, "down", 0, 0, None, b"lost"))
    assert (recording.down.received, recording.down.forwarded) == (4, 0)


def test_open_connections_are_those_that_were_not_closed():
    recording = Recording()
    first, second = connection(1), connection(2)
    recording.add_connection(first)
    recording.add_connection(second)
    assert (recording.accepted, recording.open_connections) == (2, 2)
    first.closed_ns = 5
    assert (recording.accepted, recording.open_connections) == (2, 1)
    assert recording.connections == [first, second]


def test_of_many_closed_connections_the_newest_are_held_and_of_open_ones_all():
    recording = Recording()
    recording.add_connection(connection(1))
    for number in range(2, 10_101):
        recording.add_connection(connection(number, closed_ns=number))
    numbers = [held.number for held in recording.connections]
    assert len(numbers) == 10_000
    assert numbers[:2] == [1, 102] and numbers[-1] == 10_100
    assert recording.accepted == 10_100


def test_clearing_forgets_the_bytes_but_not_the_counts_or_what_is_open():
    recording = Recording()
    fill(recording, [(1, "up", b"abc"), (2, "down", b"de")])
    recording.add_connection(connection(1))
    recording.add_connection(connection(2, closed_ns=3))
    recording.clear()
    assert recording.segments == []
    assert (recording.up.received, recording.down.received, recording.accepted) == (3, 2, 2)
    assert [held.number for held in recording.connections] == [1]


def test_clearing_makes_room():
    recording = Recording(limit=1000)
    recording.add(Segment(1, "up", 0, 0, None, bytes(700)))
    recording.clear()
    recording.add(Segment(1, "up", 700, 0, None, bytes(700)))
    assert (len(recording), recording.dropped) == (1, 0)


def test_what_was_read_from_a_recording_does_not_change_with_it():
    recording = Recording()
    fill(recording, [(1, "up", b"abc")])
    segments = recording.segments
    fill(recording, [(1, "up", b"de")])
    assert len(segments) == 1 and len(recording) == 2


def test_a_reader_gets_what_is_new_since_it_last_looked():
    recording = Recording()
    fill(recording, [(1, "up", b"a"), (1, "down", b"b")])
    first, new = recording.since(0)
    assert (first, [s.data for s in new]) == (0, [b"a", b"b"])
    assert recording.since(2) == (2, [])
    fill(recording, [(2, "up", b"c"), (2, "up", b"d"), (2, "up", b"e")])
    first, new = recording.since(2)
    assert (first, [s.data for s in new]) == (2, [b"c", b"d", b"e"])
    first, new = recording.since(3, most=1)
    assert (first, [s.data for s in new]) == (3, [b"d"])
    assert recording.since(9) == (5, [])
    assert recording.added == 5


def test_a_reader_is_told_how_many_it_has_missed():
    recording = Recording(limit=1000)
    fill(recording, [(1, "up", bytes(100))] * 3)
    fill(recording, [(1, "up", bytes(100)) for _ in range(10)])
    first, new = recording.since(3)
    assert (first, len(new)) == (10, 3)  # 4 to 10 were dropped meanwhile
    recording.clear()
    assert recording.since(3) == (13, [])
    fill(recording, [(1, "up", b"a")])
    first, new = recording.since(3)
    assert (first, [s.data for s in new]) == (13, [b"a"])
    first, copied = recording.copy().since(0)
    assert [s.data for s in copied] == [b"a"]


def test_reading_on_gives_every_segment_once_while_it_is_written():
    recording = Recording(limit=3000)
    writer = threading.Thread(
        target=lambda: [recording.add(Segment(1, "up", n, 0, None, b"x")) for n in range(3000)]
    )
    writer.start()
    seen, offsets = 0, []
    while writer.is_alive() or recording.added > seen:
        first, new = recording.since(seen, most=7)
        assert first >= seen
        offsets += [(first + place, segment.offset) for place, segment in enumerate(new)]
        seen = first + len(new)
    writer.join(30)
    assert all(number == offset for number, offset in offsets)
    assert seen == 3000


@pytest.mark.parametrize("count", [-1, 1.5, "1", None])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(UsageError, match="count"):
        Recording().since(count)


def test_a_connection_is_found_by_its_number():
    recording = Recording()
    recording.add_connection(connection(7))
    found = recording.connection(7)
    assert found is not None and found.number == 7
    assert recording.connection(8) is None


def test_a_recording_says_in_a_line_what_it_holds():
    recording = Recording(limit=2000)
    fill(recording, [(1, "up", bytes(1500)), (1, "down", bytes(1500))])
    recording.add_connection(connection(1))
    text = repr(recording)
    assert text.startswith("<Recording: 1 connections, 1,500 bytes up, 1,500 bytes down, 1 segm")
    assert text.endswith("1 dropped>")


@pytest.mark.parametrize("limit", [0, -1, 1.5, "1", None])
def test_a_memory_that_is_none_is_refused(limit):
    with pytest.raises(UsageError, match="limit"):
        Recording(limit)


def test_a_recording_can_be_read_while_it_is_written():
    recording = Recording(limit=50_000)
    stop = threading.Event()
    failures = []

    def read():
        try:
            while not stop.is_set():
                held = recording.segments
                assert [s.offset for s in held] == sorted(s.offset for s in held)
                repr(recording)
                recording.stream(1, "up")
                assert recording.open_connections <= recording.accepted
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, 300):
        recording.add_connection(connection(number))
        recording.add(Segment(1, "up", number, 0, None, b"some bytes"))
    stop.set()
    for reader in readers:
        reader.join(30)
    assert failures == []
