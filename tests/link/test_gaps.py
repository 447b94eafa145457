"""What is missing between the segments of a stream."""

from hypothesis import given
from hypothesis import strategies as st

from rtlab.link import Recording, Segment
from rtlab.link.gaps import gaps, unbroken


def segments(*pieces, end=None):
    """One direction of connection 1: offsets and data, and where it ended."""
    found = [
        Segment(1, "up", offset, place, place, data) for place, (offset, data) in enumerate(pieces)
    ]
    return found if end is None else [*found, Segment(1, "up", end, 99, 99, b"", "eof")]


@given(st.lists(st.booleans(), max_size=30))
def test_gaps_are_what_is_not_held_and_unbroken_is_what_comes_before(held):
    data = bytes(range(len(held)))
    pieces = [(place, data[place : place + 1]) for place, there in enumerate(held) if there]
    found = segments(*pieces, end=len(held))
    missing = [place for gap in gaps(found) for place in gap]
    assert missing == [place for place, there in enumerate(held) if not there]
    whole = unbroken(found)
    assert whole.data == (data[: missing[0]] if missing else data)
    assert bool(whole.missing) == bool(missing)


def test_what_is_missing_is_said_with_its_size_and_what_follows():
    whole = unbroken(segments((0, b"abc"), (1003, b"defg")))
    assert whole.data == b"abc"
    assert whole.missing == (
        "1,000 bytes are missing here: sent, but not captured; the 4 after them are not dissected"
    )
    assert unbroken(segments((0, b"abc"), end=5)).missing == (
        "2 bytes are missing here: sent, but not captured"
    )


def test_a_recording_knows_the_gaps_of_its_streams():
    recording = Recording(limit=700)
    for place in range(6):
        recording.add(Segment(1, "up", place * 100, place, None, bytes(100)))
    assert recording.gaps(1, "up") == [range(0, recording.dropped * 100)]
    assert recording.gaps(1, "down") == recording.gaps(2, "up") == []
    assert list(recording.streams()) == [(1, "up")]
