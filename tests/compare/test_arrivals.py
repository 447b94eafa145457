from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rtlab.compare.arrivals import arrivals
from rtlab.feed import Feed, Message
from rtlab.link.recording import Recording
from rtlab.link.segment import Segment
from rtlab.transports.sse import encode


def published(count: int) -> dict[int, Message]:
    feed = Feed()
    return {message.seq: message for message in (feed.publish({"n": n}) for n in range(count))}


def recorded(stream: bytes, cuts: list[int]) -> Recording:
    """The stream as segments; number n is received at 10 n and forwarded at 10 n + 5."""
    recording = Recording()
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(stream)}), len(stream)]
    for number, (start, stop) in enumerate(pairwise(places)):
        segment = Segment(1, "down", start, 10 * number, None, stream[start:stop])
        recording.add(segment)
        recording.forwarded(segment, 10 * number + 5)
    return recording


@given(cuts=st.lists(st.integers(0, 2000)), count=st.integers(1, 6))
def test_a_message_arrives_with_the_segment_that_has_its_last_byte(
    cuts: list[int], count: int
) -> None:
    messages = published(count)
    stream = b"".join(encode(message.json, id=str(message.seq)) for message in messages.values())
    recording = recorded(stream, cuts)
    found = arrivals(recording, messages)
    assert [arrival.seq for arrival in found] == list(messages)
    for arrival in found:
        text = messages[arrival.seq].json.encode()
        last_byte = stream.index(text) + len(text) - 1
        segment = next(s for s in recording if s.offset <= last_byte < s.offset + len(s.data))
        assert arrival.received_ns == segment.received_ns
        assert arrival.forwarded_ns == segment.forwarded_ns


def test_a_message_that_was_cut_off_did_not_arrive() -> None:
    messages = published(2)
    stream = b"".join(encode(message.json) for message in messages.values())
    assert [a.seq for a in arrivals(recorded(stream[:-10], []), messages)] == [1]


def test_what_never_left_the_link_did_not_arrive() -> None:
    messages = published(1)
    recording = Recording()
    recording.add(Segment(1, "down", 0, 1, None, messages[1].json.encode()))
    assert arrivals(recording, messages) == []


def test_a_text_that_only_looks_like_a_message_is_none() -> None:
    assert arrivals(recorded(b'{"seq":1,"published_ns":7,"data":0}', []), published(1)) == []
    assert arrivals(recorded(b'{"seq":99,"published_ns":7,"data":0}', []), published(1)) == []
