from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import rtlab
from rtlab.render.tree import as_text


def test_bits_bytes_values_and_derived_buffers_are_shown():
    text = as_text(rtlab.dissect(bytes.fromhex("818537fa213d7f9f4d5158"), "websocket"))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "0 1 FIN = 1" in lines
    assert "0.4 0001 opcode = 1" in lines
    assert "1.1 0000101 payload length = 5" in lines
    assert any(line.startswith("2 37 fa 21 3d masking key") for line in lines)
    assert "-- unmasked, 5 bytes --" in lines
    assert any("48 65 6c 6c 6f" in line and "'Hello'" in line for line in lines)


def test_an_error_stands_below_its_field_with_its_clause():
    text = as_text(rtlab.dissect(bytes.fromhex("8100"), "websocket", sender="client"))
    assert "!!" in text and "RFC 6455 §5.1" in text


def test_notes_are_there_when_asked_for():
    found = rtlab.dissect(b"data: x\n\n", "sse")
    assert "§9.2" not in as_text(found)
    assert "§9.2" in as_text(found, notes=True)


@given(data=st.binary(max_size=80), protocol=st.sampled_from(["http1", "sse", "websocket"]))
def test_whatever_came_over_the_wire_is_printable(data: bytes, protocol: str) -> None:
    text = as_text(rtlab.dissect(data, protocol), notes=True)
    assert all(line.isprintable() for line in text.split("\n"))


def painted(style: str, text: str) -> str:
    return f"<{style}:{text}>" if text else ""


def test_every_part_of_a_line_can_be_painted():
    found = rtlab.dissect(bytes.fromhex("c18537fa213d7f9f4d5158"), "websocket")
    text = as_text(found, notes=True, paint=painted)
    assert "<bytes:37 fa 21 3d>" in text and "<name:masking key> = <value:b'7" in text
    assert "<place:      2>" in text
    assert "<error:!! set, but no extension" in text and "<note:1: the payload is masked" in text
    assert "<derived:-- unmasked, 5 bytes -->" in text


@given(data=st.binary(max_size=60), protocol=st.sampled_from(["http1", "sse", "websocket"]))
def test_paint_adds_nothing_but_paint(data: bytes, protocol: str) -> None:
    found = rtlab.dissect(data, protocol)
    marked = as_text(found, notes=True, paint=lambda style, text: f"\0{text}\0")
    assert marked.replace("\0", "") == as_text(found, notes=True)


@given(
    data=st.binary(max_size=60),
    protocol=st.sampled_from(["http1", "sse", "websocket"]),
    width=st.integers(60, 200),
)
def test_sentences_are_wrapped_and_lose_no_word(data: bytes, protocol: str, width: int) -> None:
    found = rtlab.dissect(data, protocol)
    whole, wrapped = as_text(found, notes=True), as_text(found, notes=True, width=width)
    assert wrapped.split() == whole.split()
    for line in wrapped.split("\n"):
        if line.startswith(" " * 9) and "--" not in line:  # a sentence, not a field
            assert len(line) <= max(width, 60)


def test_errors_are_told_from_notes_without_colour():
    lines = as_text(rtlab.dissect(bytes.fromhex("c100"), "websocket"), notes=True, width=80)
    errors = [line.strip() for line in lines.split("\n") if "no extension" in line]
    assert errors and all(line.startswith("!! ") for line in errors)
