from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

import rtlab
from rtlab import examples
from rtlab.dissect.conversation import converse
from rtlab.render.byte_view import MOST_BYTES, MOST_PARTS, as_html

HELLO = bytes.fromhex("818537fa213d7f9f4d5158")


class Page(HTMLParser):
    """What is in a page: its text, its cells of bytes, and tags that were not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.cells: list[str] = []
        self.places: list[tuple[str, str]] = []
        self.scripts = 0
        self.opened = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.scripts += tag == "script"
        given = dict(attrs)
        self.opened += tag == "details" and given.get("class") == "part" and "open" in given
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag == "summary" and "data-from" in given:
            self.places.append((given["data-from"], given["data-to"]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "script"):
            return
        self.text += data
        if self.open and self.open[-1] == "i":
            self.cells.append(data)


def test_bytes_bits_values_notes_and_clauses_are_there() -> None:
    page = Page(as_html(rtlab.dissect(HELLO, "websocket")))
    assert page.open == []
    assert page.cells == [f"{byte:02x}" for byte in HELLO + b"Hello"]
    assert "···· 0001" in page.text
    assert "text, 5 bytes" in page.text
    assert "unmasked: not on the wire" in page.text
    assert "'Hello'" in page.text
    assert "RFC 6455 §5.3" in page.text
    assert ("16", "48") in page.places  # the masking key, in bits
    assert page.scripts == 1


def test_what_is_made_of_what_was_made_is_shown_too() -> None:
    both = converse(examples.LESSON_REQUEST, examples.LESSON_RESPONSE)
    page = Page(as_html(both.down))
    for step in ("key and GUID", "hashed", "encoded"):
        assert f"{step}: not on the wire" in page.text


def test_what_is_wrong_is_shown_open_with_its_clause() -> None:
    good = as_html(rtlab.dissect(HELLO, "websocket", sender="client"))
    bad = as_html(rtlab.dissect(HELLO, "websocket", sender="server"))
    assert "✗" not in Page(good).text
    page = Page(bad)
    assert "✗ 1" in page.text
    assert "a server must not mask" in page.text
    assert "RFC 6455 §5.1" in page.text


def test_a_dissection_is_shown_as_its_byte_view() -> None:
    found = rtlab.dissect(HELLO, "websocket")
    assert found._repr_html_() == as_html(found)


def test_no_bytes_are_said_to_be_none() -> None:
    assert "no bytes" in Page(as_html(rtlab.dissect(b"", "sse"))).text


def test_of_much_a_window_is_shown_and_the_rest_is_counted() -> None:
    found = rtlab.dissect(HELLO * 1000, "websocket")
    page = Page(as_html(found, first=10, count=5))
    assert "… and 985 more" in page.text
    assert "bytes 110–120" in page.text
    assert "bytes 99–109" not in page.text


def test_a_window_unfolds_no_more_than_it_shows() -> None:
    found = rtlab.dissect(HELLO * 1000, "websocket")
    as_html(found, count=5)
    assert [frame.folded for frame in found.root.children] == [False] * 5 + [True] * 995


def test_long_parts_are_cut() -> None:
    page = Page(as_html(rtlab.dissect(b"\x82\x7e\xff\xff" + bytes(65_535), "websocket")))
    assert len(page.cells) == MOST_BYTES
    assert f"{65_539 - MOST_BYTES:,} more bytes" in page.text
    lines = b"data: x\n" * (MOST_PARTS + 50)
    assert "… and 51 more" in Page(as_html(rtlab.dissect(lines + b"\n", "sse"))).text


def test_the_first_parts_are_open_as_long_as_they_are_few_bytes() -> None:
    assert Page(as_html(rtlab.dissect(HELLO * 20, "websocket"))).opened == 20
    assert Page(as_html(rtlab.dissect(b"\x82\x7e\x01\x80" + bytes(384), "websocket"))).opened == 1
    assert Page(as_html(rtlab.dissect(b"\x82\x7e\x01\x90" + bytes(400), "websocket"))).opened == 0


HOSTILE = b"</script><script>alert(1)</script>'\"<img src=x onerror=alert(1)>&amp;"


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(["http1", "sse", "websocket"]),
    st.binary(max_size=60),
    st.sampled_from([b"GET /", b"HTTP/1.1 200 ", b"data: ", b"id: ", b"\x81\x44", b"X: "]),
    st.binary(max_size=10),
)
def test_what_came_over_the_wire_stays_text(protocol, before, middle, after) -> None:
    page = Page(as_html(rtlab.dissect(before + middle + HOSTILE + after, protocol)))
    assert page.open == []
    assert page.scripts == 1
