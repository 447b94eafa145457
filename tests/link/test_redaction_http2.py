from __future__ import annotations

import hpack
import pytest
from h2.connection import H2Connection
from hpack import Encoder

import rtlab
from rtlab import link
from rtlab.dissect.http2 import PREFACE
from tests.dissect.http2_frames import CONTINUATION, END_HEADERS, HEADERS, frame
from tests.recordings import recorded

WHERE = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x?n=1")]
SECRETS = [("cookie", "session=SECRET-1"), ("authorization", "Bearer SECRET-2")]


def asked(*blocks: list[tuple[str, str]]) -> bytes:
    client = H2Connection()
    client.initiate_connection()
    for number, fields in enumerate(blocks):
        client.send_headers(2 * number + 1, fields, end_stream=True)
    return client.data_to_send()


def values(data: bytes) -> list[tuple[str, str]]:
    root = rtlab.dissect(data, "http2", sender="client").root
    lines = [f for b in root.walk() if b.buffer for f in b.buffer.root.children]
    return [line.value for line in lines if isinstance(line.value, tuple)]


def blotted(*pieces) -> list[bytes]:
    return link.redaction.redacted(recorded(*pieces).segments)


def test_secret_headers_are_blotted_out_and_everything_else_can_still_be_read() -> None:
    data = asked([*WHERE, *SECRETS, ("accept", "*/*")], [*WHERE, ("x-api-key", "SECRET-3")])
    [result] = blotted(("up", 0, 0, data))
    assert len(result) == len(data)
    assert "SECRET" not in str(values(result))
    assert rtlab.dissect(result, "http2", sender="client").errors == []
    kept = [pair for pair in values(data) if "SECRET" not in pair[1]]
    assert [pair for pair in values(result) if set(pair[1]) != {"*"}] == kept
    assert [name for name, value in values(result) if set(value) == {"*"}] == [
        "cookie",
        "authorization",
        "x-api-key",
    ]


def test_a_token_in_the_path_takes_the_path_with_it() -> None:
    data = asked([*WHERE[:3], (":path", "/events?token=SECRET")])
    [result] = blotted(("up", 0, 0, data))
    assert "SECRET" not in str(values(result))
    assert values(result)[:3] == values(data)[:3]


@pytest.mark.parametrize("size", [1, 7, 30])
def test_it_does_not_matter_how_the_bytes_were_cut(size: int) -> None:
    data = asked([*WHERE, *SECRETS])
    whole = blotted(("up", 0, 0, data))[0]
    pieces = [("up", n, n, data[n : n + size]) for n in range(0, len(data), size)]
    assert b"".join(blotted(*pieces)) == whole


def test_an_answer_of_such_a_connection_is_looked_at_as_well() -> None:
    encoder = Encoder()
    block = encoder.encode([(":status", "200"), ("set-cookie", "a=SECRET")], huffman=False)
    answer = frame(4) + frame(HEADERS, block, stream=1, flags=END_HEADERS)
    _, down = blotted(("up", 0, 0, asked(WHERE)), ("down", 1, 1, answer))
    assert b"SECRET" in answer and b"SECRET" not in down
    assert hpack.Decoder().decode(down[18:])[1][1] == "*" * len("a=SECRET")


def test_a_block_in_several_frames_is_one_block() -> None:
    block = Encoder().encode([*WHERE, ("cookie", "SECRET-SECRET")], huffman=False)
    data = PREFACE + frame(4)
    data += frame(HEADERS, block[:-8], stream=1, flags=1)
    data += frame(CONTINUATION, block[-8:], stream=1, flags=END_HEADERS)
    [result] = blotted(("up", 0, 0, data))
    assert b"SECRET" not in result.replace(data[-8:-8], b"")
    assert result.count(b"*") - data.count(b"*") == len("SECRET-SECRET")


def test_a_file_has_no_secret_in_it(tmp_path) -> None:
    recorded(("up", 0, 0, asked([*WHERE, *SECRETS]))).save(tmp_path / "r.jsonl")
    again = rtlab.Recording.load(tmp_path / "r.jsonl")
    assert "SECRET" not in str(values(again.stream(1, "up")))
