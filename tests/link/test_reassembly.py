"""A stream is what its packets say, whatever became of them on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.link.reassembly import (
    ACK,
    FAR,
    FIN,
    RST,
    SYN,
    UNKNOWN,
    HalfStream,
    Moment,
    Piece,
    first_come,
)

WRAP = 1 << 32
NUMBERS = st.one_of(st.integers(0, WRAP - 1), st.integers(WRAP - 300, WRAP - 1))


def half(packets, begin=None):
    """A half stream of (number, bytes) or (number, bytes, size, flags), a microsecond apart."""
    stream = HalfStream()
    if begin is not None:
        stream.add(begin, b"", 0, SYN, Moment(0, 0))
    for place, packet in enumerate(packets, 1):
        seq, data, *more = packet
        size, flags = more or (len(data), ACK)
        stream.add(seq % WRAP, data, size, flags, Moment(place, place * 1000))
    return stream


def put_together(stream):
    """What its parts say: offset to byte, and where it ends."""
    found, last = {}, 0
    for part in stream.parts():
        assert part.offset >= last, "parts come in order, and do not overlap"
        last = part.offset + len(part.data)
        found.update(enumerate(part.data, part.offset))
    return found, last


def joined(stream):
    return b"".join(part.data for part in stream.parts())


@st.composite
def captured(draw):
    """A stream, its first number, and packets of it: cut anew, twice, overlapping, in any order."""
    data = draw(st.binary(min_size=1, max_size=200))
    begin = draw(NUMBERS)
    places = st.integers(0, len(data))
    spans = draw(st.lists(st.tuples(places, places).map(sorted), max_size=20))
    return data, begin, draw(st.permutations(spans))


@given(captured())
def test_what_was_captured_is_there_and_nothing_else(case):
    data, begin, pieces = case
    stream = half([(begin + 1 + start, data[start:stop]) for start, stop in pieces], begin)
    expected = {place: data[place] for start, stop in pieces for place in range(start, stop)}
    assert put_together(stream)[0] == expected


@given(captured())
def test_if_all_was_captured_all_is_there_in_any_order(case):
    data, begin, pieces = case
    pieces = [*pieces, (0, len(data))]
    stream = half([(begin + 1 + start, data[start:stop]) for start, stop in pieces], begin)
    assert joined(stream) == data
    assert next(part.offset for part in stream.parts()) == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=20)), max_size=20))
def test_where_packets_disagree_the_first_one_stands(packets):
    pieces = [Piece(Moment(n, n), start, data) for n, (start, data) in enumerate(packets)]
    expected = {}
    for piece in pieces:
        for place, byte in enumerate(piece.data, piece.start):
            expected.setdefault(place, byte)
    found, last = {}, 0
    for start, stop, piece in first_come(pieces):
        assert last <= start < stop
        last = stop
        found.update((place, piece.data[place - piece.start]) for place in range(start, stop))
    assert found == expected


@given(captured())
def test_a_part_is_whole_when_all_before_it_had_come(case):
    data, begin, pieces = case
    stream = half([(begin + 1 + start, data[start:stop]) for start, stop in pieces], begin)
    parts = [part for part in stream.parts() if part.data]
    latest = Moment(-1, 0)
    for part in parts:
        latest = max(latest, part.at)
        assert part.whole == latest


def test_a_late_packet_makes_those_after_it_wait():
    first, second, third = half([(4, b"def"), (7, b"ghi"), (1, b"abc")], begin=0).parts()
    assert (first.data, first.at, first.whole) == (b"abc", Moment(3, 3000), Moment(3, 3000))
    assert (second.data, second.at, second.whole) == (b"def", Moment(1, 1000), Moment(3, 3000))
    assert (third.data, third.at, third.whole) == (b"ghi", Moment(2, 2000), Moment(3, 3000))


def test_one_packet_stays_one_part_though_others_overlap_it():
    parts = list(half([(1, b"abcdefgh"), (3, b"cd"), (5, b"efgh"), (1, b"abcdefgh")], 0).parts())
    assert [part.data for part in parts] == [b"abcdefgh"]


def test_numbers_wrap_more_than_once():
    stream, seq = HalfStream(), WRAP - 10
    stream.add(seq - 1, b"", 0, SYN, Moment(0, 0))
    step = FAR - 1
    for place in range(1, 20):  # no such packet exists, but its size tells how far numbers run
        stream.add(seq % WRAP, b"x", step, ACK, Moment(place, place))
        seq += step
    assert [part.offset for part in stream.parts()][:19] == [step * n for n in range(19)]


# ── what is missing ──


def test_a_lost_packet_is_a_jump_of_the_offset():
    parts = list(half([(1, b"abc"), (7, b"ghi")], begin=0).parts())
    assert [(part.offset, part.data) for part in parts] == [(0, b"abc"), (6, b"ghi")]


def test_without_its_beginning_a_stream_begins_at_one():
    parts = list(half([(700, b"abc"), (703, b"def")]).parts())
    assert [(part.offset, part.data) for part in parts] == [
        (UNKNOWN, b"abc"),
        (UNKNOWN + 3, b"def"),
    ]


def test_the_answer_to_a_syn_tells_where_the_other_direction_begins():
    stream = half([(1000, b"abc")])
    stream.acknowledge(990, Moment(9, 9), first=True)
    assert [part.offset for part in stream.parts()] == [10]


def test_what_was_acknowledged_and_not_captured_is_said_to_have_been():
    stream = half([(1, b"abc")], begin=0)
    stream.acknowledge(101, Moment(9, 9), first=False)
    *_, last = stream.parts()
    assert (last.offset, last.data, last.end) == (100, b"", None)


def test_one_number_more_is_the_fin_that_was_not_captured():
    stream = half([(1, b"abc")], begin=0)
    stream.acknowledge(5, Moment(9, 9), first=False)
    assert [part.data for part in stream.parts()] == [b"abc"]


def test_a_direction_of_which_only_the_answers_were_captured_has_a_length():
    stream = HalfStream()
    for place, ack in enumerate((500, 700, 600)):
        stream.acknowledge(ack, Moment(place, place), first=False)
    [part] = stream.parts()
    assert (part.offset, part.data) == (UNKNOWN + 200, b"")


def test_a_packet_that_was_captured_in_part_leaves_a_gap_before_the_next():
    stream = half([(1, b"ab", 10, ACK), (11, b"klm")], begin=0)
    assert [(part.offset, part.data) for part in stream.parts()] == [(0, b"ab"), (10, b"klm")]


def test_a_packet_that_was_captured_in_part_leaves_a_gap_at_the_end():
    parts = list(half([(1, b"ab", 10, ACK)], begin=0).parts())
    assert [(part.offset, part.data) for part in parts] == [(0, b"ab"), (10, b"")]


def test_the_rest_of_it_is_taken_from_a_repetition():
    stream = half([(1, b"ab", 10, ACK), (1, b"abcdefghij")], begin=0)
    assert joined(stream) == b"abcdefghij"


# ── ends, and what is no part of the stream ──


def test_a_fin_ends_the_stream_once():
    parts = list(half([(1, b"abc", 3, FIN | ACK), (4, b"", 0, FIN | ACK)], begin=0).parts())
    assert [(part.offset, part.data, part.end) for part in parts] == [
        (0, b"abc", None),
        (3, b"", "eof"),
    ]


def test_what_comes_after_the_fin_is_no_part_of_the_stream():
    stream = half([(1, b"abc", 3, FIN | ACK), (4, b"defg")], begin=0)
    assert joined(stream) == b"abc"


def test_a_fin_after_a_lost_packet_shows_the_gap():
    parts = list(half([(1, b"abc"), (10, b"", 0, FIN | ACK)], begin=0).parts())
    assert [(part.offset, part.end) for part in parts] == [(0, None), (9, "eof")]


def test_a_reset_ends_the_stream_and_what_it_says_is_no_part_of_it():
    parts = list(half([(1, b"abc"), (4, b"go away", 7, RST)], begin=0).parts())
    assert [(part.offset, part.data, part.end) for part in parts] == [
        (0, b"abc", None),
        (3, b"", "reset"),
    ]


def test_who_has_said_all_can_still_reset():
    packets = [(1, b"abc", 3, FIN | ACK), (5, b"", 0, RST), (5, b"", 0, RST)]
    assert [part.end for part in half(packets, begin=0).parts()] == [None, "eof", "reset"]


@pytest.mark.parametrize("byte", [b"", b"\0"])
def test_a_keep_alive_is_no_byte_of_the_stream(byte):
    stream = half([(1, b"abc")], begin=0)
    stream.acknowledge(11, Moment(5, 5), first=False)  # seven more were lost while capturing
    stream.add(10, byte, len(byte), ACK, Moment(6, 6))
    assert joined(stream) == b"abc"


def test_a_keep_alive_after_the_handshake_is_no_byte_of_the_stream():
    assert joined(half([(0, b"\0"), (1, b"abc"), (3, b"c")], begin=0)) == b"abc"


def test_bytes_in_the_syn_are_part_of_the_stream():
    assert joined(half([(0, b"early", 5, SYN), (6, b", late")])) == b"early, late"


def test_a_packet_from_nowhere_near_is_counted_and_left_out():
    stream = half([(1, b"abc"), (FAR + 500, b"stray"), (-FAR - 500, b"", 0, RST)], begin=0)
    assert (joined(stream), stream.strays, stream.reset) == (b"abc", 2, None)


def test_a_stream_of_which_nothing_came_has_no_parts():
    assert list(HalfStream().parts()) == []
    assert [part.end for part in half([(0, b"", 0, RST | ACK)]).parts()] == ["reset"]


def test_many_small_holes_take_no_time():
    """Every other packet first, the rest backwards: what merges intervals in a list would hang."""
    count = 100_000
    places = [*range(0, count, 2), *range(count - 1, 0, -2)]
    stream = half([(place * 4 + 1, b"abcd") for place in places], begin=0)
    assert joined(stream) == b"abcd" * count
