"""tshark as another reader: the same values, header by header and frame by frame."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from rtlab import examples
from rtlab.dissect.field import Field
from rtlab.link.recording import Recording
from rtlab.render.turns import turns
from tests.dissect.fuzz import samples
from tests.recordings import chunk, recorded

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None and not os.environ.get("CI"), reason="there is no tshark"
)
PORT = 8000  # of the servers in tests.recordings


def read(
    recording: Recording, folder: Path, *fields: str, whole: bool = True
) -> list[dict[str, list[str]]]:
    """Return what tshark finds in each packet that has one of these fields."""
    path = folder / "capture.pcapng"
    recording.epoch_ns = 10**18  # a file has no times before 1970
    recording.to_pcapng(path)
    command = ["tshark", "-r", str(path), "-d", f"tcp.port=={PORT},http", "-T", "json"]
    if not whole:  # it shall not wait for the end of an answer that has none
        command += ["-o", "http.desegment_body:FALSE", "-o", "http.dechunk_body:FALSE"]
    for field in (*fields, "tcp.dstport"):
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    packets = [packet["_source"].get("layers", {}) for packet in json.loads(done.stdout)]
    return [packet for packet in packets if packet.keys() & set(fields)]


def parts(recording: Recording, direction: str, name: str) -> list[Field]:
    """Return our fields of a name, of the first connection."""
    [conversation] = recording.dissect()
    root = conversation.up.root if direction == "up" else conversation.down.root
    return [field for field in root.walk() if field.name == name]


# ── HTTP/1.1 ──


def exchange(number: int, answer: bytes) -> list[tuple[str, float, float, bytes]]:
    headers = b"Host: localhost\r\nX-Odd:  spaced \r\nAccept: */*\r\n\r\n"
    ask = b"GET /x?n=%d HTTP/1.1\r\n%s" % (number, headers)
    return [("up", 2 * number, 2 * number, ask), ("down", 2 * number + 1, 2 * number + 1, answer)]


ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    b'HTTP/1.1 204 No Content\r\nETag: "5"\r\n\r\n',
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunk(b"abc")
    + b"00A;name=x\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
]


def test_requests_and_answers_have_the_same_values(tmp_path: Path) -> None:
    recording = recorded(*(p for n, answer in enumerate(ANSWERS) for p in exchange(n, answer)))
    theirs = read(
        recording,
        tmp_path,
        *("http.request.method", "http.request.uri", "http.request.line"),
        *("http.response.code", "http.response.phrase", "http.response.line"),
    )
    asked = [row for row in theirs if "http.request.method" in row]
    answered = [row for row in theirs if "http.response.code" in row]
    assert [row["http.request.uri"] for row in asked] == [
        [field.value] for field in parts(recording, "up", "target")
    ]
    assert [row["http.response.code"] for row in answered] == [
        [str(field.value)] for field in parts(recording, "down", "status")
    ]
    assert [row["http.response.phrase"] for row in answered] == [
        [field.value] for field in parts(recording, "down", "reason")
    ]
    for direction, rows, line in (
        ("up", asked, "http.request.line"),
        ("down", answered, "http.response.line"),
    ):
        lines = [text.strip().split(":", 1) for row in rows for text in row[line]]
        headers = parts(recording, direction, "header")  # trailers it lists elsewhere
        pairs = sorted((name, value.strip()) for name, value in lines)
        assert pairs == sorted(field.value for field in headers)


def test_chunks_and_their_content_are_the_same(tmp_path: Path) -> None:
    recording = recorded(*exchange(3, ANSWERS[3]))
    [row] = read(recording, tmp_path, "http.chunk_size", "http.file_data")
    sizes = [field.value for field in parts(recording, "down", "chunk")]
    assert [int(size) for size in row["http.chunk_size"]] == [*sizes, 0]
    [body] = parts(recording, "down", "body")
    assert body.buffer is not None
    assert row["http.file_data"] == [body.buffer.data.decode()]


# ── WebSocket ──


def chat(seed: int) -> Recording:
    """Return a handshake and frames of every kind, each in a segment of its own."""
    rng = random.Random(seed)
    pieces: list[Any] = [
        ("up", 0, 0, examples.LESSON_REQUEST),
        ("down", 1, 1, examples.LESSON_RESPONSE),
    ]
    for place in range(40):
        up = rng.random() < 0.5
        size = rng.choice([0, 1, 5, 124, 125, 126, 127, 1000, 65_535, 65_536])
        kind = rng.choice([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG])
        if kind in (Opcode.PING, Opcode.PONG):
            size = min(size, 125)
        text = ("é" * size)[: size // 2] + "x" * (size - 2 * (size // 2))
        data = text.encode() if kind is Opcode.TEXT else rng.randbytes(size)
        frame = Frame(kind, data).serialize(mask=up)
        pieces.append(("up" if up else "down", 2 + place, 2 + place, frame))
    pieces.append(("up", 50, 50, Frame(Opcode.CLOSE, b"\x0f\xa1bye").serialize(mask=True)))
    pieces.append(("down", 51, 51, Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False)))
    return recorded(*pieces)


HEADER = ("websocket.fin", "websocket.opcode", "websocket.mask", "websocket.payload_length")


def ours(recording: Recording) -> list[list[int]]:
    found = []
    for turn in turns(recording):
        if turn.field is not None and turn.field.name == "frame":
            values = {field.name: field.value for field in turn.field.children}
            length = values["payload length"]
            long = values.get("extended payload length", length)
            found.append([values["FIN"], values["opcode"], values["MASK"], long])
    return found


@pytest.mark.parametrize("seed", range(3))
def test_frames_have_the_same_headers(tmp_path: Path, seed: int) -> None:
    recording = chat(seed)
    assert recording.dissect()[0].errors == []
    theirs = read(
        recording,
        tmp_path,
        *HEADER,
        "websocket.payload_length_ext_16",
        "websocket.payload_length_ext_64",
    )
    found = []
    for row in theirs:
        if "websocket.opcode" not in row:
            continue
        values = [int(row[name][0], 0) for name in HEADER]
        for longer in ("websocket.payload_length_ext_16", "websocket.payload_length_ext_64"):
            if longer in row:
                values[3] = int(row[longer][0])
        found.append(values)
    assert found == ours(recording)


def test_texts_close_codes_and_reasons_are_the_same(tmp_path: Path) -> None:
    recording = chat(7)
    rows = read(
        recording,
        tmp_path,
        "websocket.payload.text",
        "websocket.payload.close.status_code",
        "websocket.payload.close.reason",
    )
    texts = [text for row in rows for text in row.get("websocket.payload.text", [])]
    contents = [t.content for t in turns(recording) if t.what in ("text",) and t.content]
    assert [text.encode() for text in texts if text] == contents
    codes = [code for row in rows for code in row.get("websocket.payload.close.status_code", [])]
    assert codes == ["4001", "1000"]
    assert [r for row in rows for r in row.get("websocket.payload.close.reason", [])] == ["bye"]


# ── what the lab itself says ──


def test_recorded_requests_and_frames_are_as_many(tmp_path: Path) -> None:
    for number, sample in enumerate(samples()[1:]):
        recording = recorded(("up", 0, 0, sample.up), ("down", 1, 1, sample.down))
        rows = read(recording, tmp_path, "http.request.method", "http.response.code", whole=False)
        methods = [m for row in rows for m in row.get("http.request.method", [])]
        codes = [c for row in rows for c in row.get("http.response.code", [])]
        assert methods == [f.value for f in parts(recording, "up", "method")], number
        assert codes == [str(f.value) for f in parts(recording, "down", "status")], number
