import base64
import json
from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peers import eventually, recorded, stage

from rtlab.errors import RecordingError
from rtlab.link import Connection, Recording, Segment

# Bytes that are no text: nothing in them can be taken for a secret.
BYTES = st.binary(max_size=200).map(lambda data: bytes(byte | 0x80 for byte in data))
TIMES = st.none() | st.integers(0, 2**62)


def saved(recording, tmp_path):
    path = tmp_path / "recording.jsonl"
    recording.save(path)
    return path


def same(first, second):
    assert [asdict(c) for c in first.connections] == [asdict(c) for c in second.connections]
    assert [asdict(s) for s in first.segments] == [asdict(s) for s in second.segments]
    for name in ("limit", "up", "down", "epoch_ns", "accepted", "dropped", "notes"):
        assert getattr(first, name) == getattr(second, name), name


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(BYTES, TIMES, st.sampled_from([None, "eof", "reset", "cut"])), max_size=20),
    st.lists(st.tuples(TIMES, st.none() | st.text(st.characters(codec="utf-8"))), max_size=5),
    st.integers(500, 5000),
)
def test_a_recording_comes_back_as_it_was(tmp_path, pieces, connections, limit):
    recording = Recording(limit)
    for number, (closed, error) in enumerate(connections, 1):
        addresses = ("127.0.0.1", 50_000), ("host", 80)
        recording.add_connection(Connection(number, *addresses, number, closed, error))
    for place, (data, time, end) in enumerate(pieces):
        segment = Segment(1, "down" if place % 2 else "up", place, place, None, data, end)
        recording.add(segment)
        if time is not None:
            recording.forwarded(segment, time)
    same(recording, Recording.load(saved(recording, tmp_path)))


async def test_what_crossed_a_real_link_comes_back_as_it_was(tmp_path):
    async with stage(slicing=7) as s:
        client, server = await s.connection()
        await client.send(bytes(range(256)))
        await server.read(256)
        server.reset()
        assert await client.rest() == (b"", "reset")
        await eventually(lambda: s.link.recording.open_connections == 0)
        loaded = Recording.load(saved(s.link.recording, tmp_path))
        same(s.link.recording, loaded)
        assert loaded.stream(1, "up") == bytes(range(256))
        same(loaded, Recording.load(saved(loaded, tmp_path)))


def test_a_loaded_recording_can_be_written_on(tmp_path):
    recording = Recording.load(saved(recorded([b"one", b"two"]), tmp_path))
    recording.add(Segment(1, "up", 6, 9, None, b"three"))
    assert recording.stream(1, "up") == b"onetwothree"
    assert recording.up.received == 11


def test_a_file_is_json_lines_with_a_version(tmp_path):
    lines = saved(recorded([b"x"]), tmp_path).read_text().splitlines()
    head, connection, segment = map(json.loads, lines)
    assert (head["format"], head["version"]) == ("rtlab-recording", 1)
    assert connection["number"] == 1
    assert base64.b64decode(segment["data"]) == b"x"


def test_secrets_do_not_reach_the_file(tmp_path):
    request = b"GET /?token=T0PSECRET HTTP/1.1\r\nCookie: a=T0PSECRET\r\n\r\n"
    path = saved(recorded([request[:25], request[25:]]), tmp_path)
    data = Recording.load(path).stream(1, "up")
    assert b"SECRET" not in data and len(data) == len(request)
    assert base64.b64encode(b"SECRET").rstrip(b"=") not in path.read_bytes()


def test_saving_leaves_the_recording_in_memory_as_it_is(tmp_path):
    recording = recorded([b"GET / HTTP/1.1\r\nCookie: mine\r\n\r\n"])
    saved(recording, tmp_path)
    assert b"mine" in recording.stream(1, "up")


# ── files that cannot be read ──


def damaged(tmp_path, change):
    path = saved(recorded([b"one", b"two", b"three"]), tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))
    return path


def replaced(number, /, **values):
    def change(lines):
        line = {**json.loads(lines[number - 1]), **values}
        lines[number - 1] = json.dumps(line).encode() + b"\n"
        return lines

    return change


def without(number, name):
    def change(lines):
        line = json.loads(lines[number - 1])
        del line[name]
        lines[number - 1] = json.dumps(line).encode() + b"\n"
        return lines

    return change


def cut(number):
    """Leave half of a line, and nothing after it."""
    return lambda lines: [*lines[: number - 1], lines[number - 1][:20]]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (cut(2), 2),
        (cut(5), 5),
        (replaced(4, data="not base64!"), 4),
        (replaced(4, data=None), 4),
        (replaced(4, surprise=1), 4),
        (replaced(2, surprise=1), 2),
        (replaced(2, client=None), 2),
        (without(3, "data"), 3),
        (without(3, "offset"), 3),
        (without(1, "up"), 1),
        (without(1, "accepted"), 1),
        (without(1, "dropped"), 1),
        (replaced(1, limit=0), 1),
        (replaced(1, accepted="q"), 1),
        (replaced(1, epoch_ns=None), 1),
        (replaced(1, up={"segments": -1, "received": 0, "forwarded": 0}), 1),
        (replaced(2, number=None), 2),
        (replaced(2, number=0), 2),
        (replaced(2, opened_ns="now"), 2),
        (replaced(2, client=["127.0.0.1", "x"]), 2),
        (replaced(2, error=5), 2),
        (replaced(3, received_ns="x"), 3),
        (replaced(3, forwarded_ns=True), 3),
        (replaced(3, direction="side"), 3),
        (replaced(3, offset=-1), 3),
        (replaced(3, end="never"), 3),
        (replaced(3, connection=[1]), 3),
        (replaced(1, up={"segments": 1, "lost": 2}), 1),
        (lambda lines: [*lines[:3], b"\xff\xfe\n", *lines[4:]], 4),
        (lambda lines: [*lines[:3], b"[1, 2]\n", *lines[4:]], 4),
        (lambda lines: [*lines[:3], b"\n", *lines[4:]], 4),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, change, line):
    with pytest.raises(RecordingError, match=rf"recording\.jsonl is damaged in line {line}\b"):
        Recording.load(damaged(tmp_path, change))


def test_another_file_is_no_recording(tmp_path):
    path = tmp_path / "notebook.ipynb"
    path.write_text('{"cells": []}\n')
    with pytest.raises(RecordingError, match="is not a recording"):
        Recording.load(path)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_named(tmp_path, version):
    with pytest.raises(RecordingError, match=f"has version {version}; this rtlab reads version 1"):
        Recording.load(damaged(tmp_path, replaced(1, version=version)))


def test_a_file_that_is_not_there_is_said_as_usual(tmp_path):
    with pytest.raises(FileNotFoundError):
        Recording.load(tmp_path / "nothing")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_no_damage_whatever_raises_anything_but_a_recording_error(tmp_path, place, junk):
    def change(lines):
        data = bytearray(b"".join(lines))
        place_ = place % len(data)
        data[place_ : place_ + len(junk)] = junk
        return [bytes(data)]

    try:
        Recording.load(damaged(tmp_path, change))
    except RecordingError as error:
        assert "recording" in str(error)


def test_notes_of_a_file_stay_with_it_and_older_files_have_none(tmp_path):
    recording = recorded([b"one"])
    recording.notes = ["The file is cut off: \u00fc."]
    path = saved(recording, tmp_path)
    same(recording, Recording.load(path))
    assert recording.copy().notes == recording.notes
    assert Recording.load(damaged(tmp_path, without(1, "notes"))).notes == []
    with pytest.raises(RecordingError, match="line 1"):
        Recording.load(damaged(tmp_path, replaced(1, notes=None)))
