from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest

from rtlab.errors import UsageError
from rtlab.link.recording import Recording
from rtlab.link.segment import Segment
from rtlab.render.ladder import MOST, ladder
from rtlab.render.places import width
from tests.recordings import message, recorded


def shapes(svg: str, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def test_arrows_slope_by_the_time_on_the_link_and_in_its_direction() -> None:
    drawn = ladder(
        {
            "sse": recorded(
                ("up", 0, 80, b"GET /events HTTP/1.1\r\n\r\n"),
                ("down", 100, 180, b"HTTP/1.1 200 OK\r\n\r\n"),
            )
        }
    )
    up, down = (line for line in shapes(drawn.svg, "line") if line.get("class") in ("up", "down"))
    assert float(up.get("x1", 0)) < float(up.get("x2", 0))
    assert float(down.get("x1", 0)) > float(down.get("x2", 0))
    slopes = [float(a.get("y2", 0)) - float(a.get("y1", 0)) for a in (up, down)]
    assert slopes[0] == pytest.approx(slopes[1], abs=0.2)
    assert slopes[0] > 0


def test_an_arrow_that_never_arrived_ends_half_way_and_says_so() -> None:
    drawn = ladder({"sse": recorded(("up", 0, 1, b"x"), ("up", 5, None, b"GET"))})
    assert "✕" in drawn.svg
    assert "never arrived" in drawn.svg
    assert "never arrived" in drawn.text


def test_what_came_over_the_wire_is_escaped() -> None:
    hostile = b"GET /<script>alert(1)</script>&x=\"' HTTP/1.1\r\n\r\n"
    drawn = ladder({"</text><script>": recorded(("up", 0, 1, hostile))}, title="<b>")
    assert "<script>" not in drawn.svg
    assert "<b>" not in drawn.svg
    ElementTree.fromstring(drawn.svg)  # still well-formed


def test_control_characters_from_the_wire_leave_the_drawing_well_formed() -> None:
    hostile = b"GET /\x00\x01\x1b[31m HTTP/1.1\r\n: \x00\x08\n"
    drawn = ladder({"x": recorded(("up", 0, 1, hostile), ("down", 2, 3, hostile))})
    ElementTree.fromstring(drawn.svg)
    assert "\x1b" not in drawn.text


def test_a_token_in_a_url_is_not_shown() -> None:
    request = b"GET /events?token=SECRET&since=1 HTTP/1.1\r\n\r\n"
    drawn = ladder({"sse": recorded(("up", 0, 1, request))})
    assert "SECRET" not in drawn.svg
    assert "SECRET" not in drawn.text


def test_messages_that_an_answer_carries_are_named() -> None:
    body = b'HTTP/1.1 200 OK\r\n\r\n[{"seq":3,"published_ns":1,"data":1},{"seq":4,"published_ns":1'
    drawn = ladder({"polling": recorded(("down", 0, 1, body))}, published={"polling": [(3, 0)]})
    assert "messages 3–4" in drawn.text
    assert "message 3 published" in drawn.text
    assert any(line.get("class") == "news" for line in shapes(drawn.svg, "line"))


def test_a_label_has_a_place_of_its_own_or_none() -> None:
    """An answer and the next question, close together, again and again."""
    traffic = []
    for number in range(120):
        traffic.append(("down", 20 * number, 20 * number + 9, b"HTTP/1.1 200 OK\r\n\r\n"))
        traffic.append(
            ("up", 20 * number + 10, 20 * number + 19, b"GET /wait?since=1 HTTP/1.1\r\n")
        )
    drawn = ladder({"long_polling": recorded(*traffic)})
    boxes = []
    for text in shapes(drawn.svg, "text"):
        if text.get("class") in ("up", "down"):
            words, x, y = text.text or "", float(text.get("x", 0)), float(text.get("y", 0))
            room = width(words, 10)
            start = x if text.get("text-anchor") == "start" else x - room
            boxes.append((start, start + room, y))
    assert len(boxes) > 10
    for (a_start, a_stop, a_y), (b_start, b_stop, b_y) in combinations(boxes, 2):
        assert a_stop <= b_start or b_stop <= a_start or abs(a_y - b_y) > 9


def test_a_drawing_is_higher_where_arrows_would_go_through_words() -> None:
    """Each answer with the next question under it, as a long poll has them."""
    loose: list[tuple[str, int, int, bytes]] = []
    for number in range(7):
        at, said = 1500 + 333 * number, b"[" + message(number) + b"]"
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said)
        loose.append(("down", at, at + 80, head + said))
    dense = list(loose)
    question = b"GET /wait?since=1&timeout=25 HTTP/1.1\r\nHost: x\r\n\r\n" + b" " * 100
    for number in range(7):
        dense.insert(2 * number + 1, ("up", 1580 + 333 * number, 1660 + 333 * number, question))
    heights = []
    for traffic in (loose, dense):
        drawn = ladder({"long_polling": recorded(("up", 0, 10, question), *traffic)}).svg
        heights.append(float(ElementTree.fromstring(drawn).get("height", 0)))
        words = [text for text in shapes(drawn, "text") if text.get("class") in ("up", "news")]
        lines = [line for line in shapes(drawn, "line") if line.get("class") in ("up", "news")]
        assert len(lines) == len(words)
        assert not [1 for text in words for line in lines if struck(text, line)]
    assert heights[0] < heights[1]


def struck(text: ElementTree.Element, line: ElementTree.Element) -> bool:
    """Whether a line goes through a text, somewhere between its ends."""
    x, y = float(text.get("x", 0)), float(text.get("y", 0)) - 3.5
    room = width(text.text or "", 10) * (1 if text.get("text-anchor") == "start" else -1)
    x1, y1, x2, y2 = (float(line.get(name, 0)) for name in ("x1", "y1", "x2", "y2"))
    heights = [y1 + (y2 - y1) * (x + room * tenth / 10 - x1) / (x2 - x1) for tenth in range(1, 10)]
    return any(abs(height - y) < 3 for height in heights)


def test_messages_are_marked_all_and_numbered_where_there_is_room() -> None:
    at = [(number, number * 10_000_000) for number in range(100)]
    drawn = ladder({"sse": recorded(("up", 0, 1000, b"x"))}, published={"sse": at})
    marks = [path for path in shapes(drawn.svg, "path") if path.get("class") == "p"]
    numbers = [text for text in shapes(drawn.svg, "text") if text.get("font-size") == "9"]
    assert len(marks) == 100
    assert 10 < len(numbers) < 60


def test_a_title_takes_the_lines_that_it_needs() -> None:
    title = "40 messages of 100 bytes, one every 0.1 s, to 1 client; 80 ms each way"
    plain, short, long = (
        ladder({"sse": recorded(("up", 0, 1, b"x"))}, title=words).svg
        for words in (None, "short", title)
    )
    heads = [
        t.text or "" for t in shapes(long, "text") if t.get("class") == "h" and t.text != "sse"
    ]
    assert len(heads) > 1
    assert " ".join(heads) == title
    across = float(ElementTree.fromstring(long).get("width", 0))
    assert all(width(line, 13) < across for line in heads)
    heights = [float(ElementTree.fromstring(svg).get("height", 0)) for svg in (plain, short, long)]
    assert heights[0] == heights[1] < heights[2]


def test_an_empty_recording_is_drawn_too() -> None:
    drawn = ladder({"sse": Recording()})
    assert "nothing yet" in drawn.svg
    assert "nothing yet" in drawn.text


def test_of_a_long_recording_the_newest_are_drawn_and_the_rest_is_counted() -> None:
    many = recorded(*(("up", n, n + 1, b"x") for n in range(MOST + 7)))
    drawn = ladder({"sse": many})
    assert "7 earlier" in drawn.svg
    assert len([s for s in shapes(drawn.svg, "line") if s.get("class") == "up"]) == MOST


def test_last_keeps_the_newest_seconds() -> None:
    drawn = ladder({"sse": recorded(("up", 0, 1, b"old"), ("up", 5000, 5001, b"young!"))}, last=1)
    assert "6 B" in drawn.text
    assert "     3 B" not in drawn.text
    with pytest.raises(UsageError, match="last"):
        ladder({"sse": Recording()}, last=0)


def test_each_drawing_has_styles_of_its_own() -> None:
    first, second = ladder({"sse": Recording()}), ladder({"polling": Recording()})
    classes = [ElementTree.fromstring(drawn.svg).get("class") for drawn in (first, second)]
    assert classes[0] != classes[1]
    assert ladder({"sse": Recording()}).svg == first.svg  # but none that changes with every run


def test_it_can_be_saved(tmp_path) -> None:
    drawn = ladder({"sse": recorded(("up", 0, 1, b"x"))})
    drawn.save(tmp_path / "ladder.svg")
    assert (tmp_path / "ladder.svg").read_text(encoding="utf-8") == drawn.svg
    assert drawn.svg in drawn._repr_html_()


def test_where_a_captured_stream_is_only_known_to_have_got_to_is_no_arrow_with_bytes():
    recording = Recording()
    recording.add(Segment(1, "down", 500, 10, 10, b""))
    assert "not captured" in ladder({"capture": recording}).text
