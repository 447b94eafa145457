from rtlab.link import Recording, Segment
from rtlab.widgets.crossings import Crossing, Crossings, Kind
from tests.recordings import MS, recorded

ASK = b"GET /messages HTTP/1.1\r\n\r\n"
NEWS = b'HTTP/1.1 200 OK\r\n\r\n[{"seq":1}]'


def at(kind, began, ended):
    return Crossing(kind, began * MS, ended * MS)


def followed(*pieces, number=1):
    recording = Recording()
    crossings = Crossings(recording)
    recorded(*pieces, number=number, into=recording)
    return recording, crossings


def test_requests_and_answers_without_news_are_found_and_messages_are_not():
    _, crossings = followed(
        ("up", 0, 10, ASK),
        ("down", 11, 21, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        ("up", 30, 40, ASK),
        ("down", 41, 51, NEWS),
        ("up", 60, 70, ASK),
        ("down", 71, 81, b"HTTP/1.1 204 No Content\r\n\r\n"),
    )
    assert crossings.look() == [
        at(Kind.UP, 0, 10),
        at(Kind.NOTHING, 11, 21),
        at(Kind.UP, 30, 40),
        at(Kind.UP, 60, 70),
        at(Kind.NOTHING, 71, 81),
    ]
    assert crossings.look() == []


def test_what_was_recorded_before_is_not_shown():
    recording = recorded(("up", 0, 10, ASK))
    assert Crossings(recording).look() == []


def test_what_is_under_way_is_found_when_it_has_crossed():
    recording, crossings = followed(("up", 0, None, ASK))
    assert crossings.look() == []
    recording.forwarded(recording.segments[0], 80 * MS)
    assert crossings.look() == [at(Kind.UP, 0, 80)]


def test_a_message_was_sent_when_the_link_had_what_it_gave_on_last_before():
    _, crossings = followed(("down", 5, 85, NEWS), ("down", 7, 87, NEWS), ("down", 9, None, NEWS))
    crossings.look()
    times = [86, 88, 200]
    assert [crossings.sent(ms * MS) for ms in times] == [5 * MS, 7 * MS, 7 * MS]


def test_with_jitter_between_connections_what_crossed_first_counts():
    recording, crossings = followed(("down", 5, 90, NEWS))
    recorded(("down", 6, 70, NEWS), number=2, into=recording)
    crossings.look()
    assert [crossings.sent(71 * MS), crossings.sent(91 * MS)] == [6 * MS, 5 * MS]


def test_a_cut_ends_what_is_under_way_on_its_connection_only():
    recording, crossings = followed(
        ("up", 0, None, ASK),
        ("down", 10, None, NEWS),
        ("up", 30, 30, "cut"),
        ("down", 30, 30, "cut"),
    )
    recorded(("up", 5, None, ASK), number=2, into=recording)
    assert crossings.look() == [
        at(Kind.CUT, 30, 30),
        at(Kind.LOST_UP, 0, 30),
        at(Kind.LOST_DOWN, 10, 30),
    ]
    other = recording.segments[-1]
    recording.forwarded(other, 85 * MS)
    assert crossings.look() == [at(Kind.UP, 5, 85)]


def test_a_reset_is_a_cut_and_an_orderly_end_is_none():
    _, crossings = followed(("up", 10, 10, "reset"))
    assert crossings.look() == [at(Kind.CUT, 10, 10)]
    _, crossings = followed(("up", 0, 9, ASK), ("up", 10, 19, "eof"))
    assert crossings.look() == [at(Kind.UP, 0, 9)]


def test_a_recording_that_is_cleared_or_full_only_loses_what_was_not_looked_at():
    recording, crossings = followed(("up", 0, 10, ASK))
    crossings.look()
    recording.clear()
    recording.add(Segment(1, "up", len(ASK), 20 * MS, 30 * MS, ASK))
    assert crossings.look() == [at(Kind.UP, 20, 30)]
