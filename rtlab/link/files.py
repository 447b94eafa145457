"""Recordings as files: JSON lines, a version in the first. Captures are read as well."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, get_args

from rtlab.arguments import whole
from rtlab.errors import RecordingError, UsageError
from rtlab.link.capture_files import foreign, is_capture
from rtlab.link.recording import Recording
from rtlab.link.redaction import redacted
from rtlab.link.segment import Connection, Direction, Ending, Segment, Totals

FORMAT = "rtlab-recording"
VERSION = 1


def save(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Write a recording: a head line, a line a connection, a line a segment.

    ``Cookie`` and ``Authorization`` values and tokens in URLs are replaced by ``*``.
    """
    segments = recording.segments
    connections = recording.connections
    head = {
        "format": FORMAT,
        "version": VERSION,
        "epoch_ns": recording.epoch_ns,
        "limit": recording.limit,
        "accepted": recording.accepted,
        "dropped": recording.dropped,
        "lines": len(connections) + len(segments),
        "up": asdict(recording.up),
        "down": asdict(recording.down),
        "notes": recording.notes,
    }
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(head) + "\n")
        for connection in connections:
            file.write(json.dumps(asdict(connection)) + "\n")
        for segment, data in zip(segments, redacted(segments), strict=True):
            line = asdict(segment) | {"data": base64.b64encode(data).decode()}
            file.write(json.dumps(line) + "\n")


def load(path: str | os.PathLike[str], port: int | None = None) -> Recording:
    """Read a recording that ``save`` wrote, or a capture.

    Raises:
        RecordingError: the file is neither, of another version, or damaged.
        UsageError: ``port`` is no port, or the file is no capture.
    """
    with Path(path).open("rb") as file:
        return read(file, os.fspath(path), port)


def is_recording(head: bytes) -> bool:
    """Whether a file that begins with these bytes is one that ``load`` reads."""
    return is_capture(head) or head.startswith(f'{{"format": "{FORMAT}"'.encode())


def read(file: BinaryIO, name: str, port: int | None = None) -> Recording:
    """Do what ``load`` does with an open file that can be rewound."""
    if port is not None:
        whole("port", port, least=1, most=65_535)
    head = file.read(8)
    file.seek(0)
    if is_capture(head):
        from rtlab.link import capture  # it loads dpkt

        return capture.read(file, name, port)
    if remedy := foreign(head):
        raise RecordingError(f"{name} {remedy}")
    recording = _lines(file, name)
    if port is not None:
        raise UsageError(f"{name} is a recording of one link; a port is chosen in captures only.")
    return recording


def _lines(file: BinaryIO, name: str) -> Recording:
    try:
        head = json.loads(file.readline())
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise RecordingError(
            f"{name} is not a recording of rtlab's, and no pcapng or pcap capture either."
        )
    if head.get("version") != VERSION:
        raise RecordingError(
            f"{name} has version {head.get('version')}; this rtlab reads version {VERSION}."
        )
    number = 1
    try:
        recording = Recording(
            head["limit"],
            Totals(**head["up"]),
            Totals(**head["down"]),
            head["epoch_ns"],
            list(map(str, head.get("notes", []))),
        )
        _check(head, dict.fromkeys(("accepted", "dropped", "lines"), _is_count))
        _check(head, {"epoch_ns": _is_time})
        for direction in ("up", "down"):
            _check(head[direction], dict.fromkeys(head[direction], _is_count))
        accepted, dropped, lines = head["accepted"], head["dropped"], head["lines"]
        connections: list[Connection] = []
        segments: list[Segment] = []
        for number, text in enumerate(file, 2):
            line = _line(text, name, number)
            if "number" in line:
                _check(line, _OF_CONNECTIONS)
                line["client"], line["server"] = tuple(line["client"]), tuple(line["server"])
                connections.append(Connection(**line))
            else:
                _check(line, _OF_SEGMENTS)
                line["data"] = base64.b64decode(line["data"], validate=True)
                segments.append(Segment(**line))
        if number - 1 != lines:
            raise RecordingError(
                f"{name} is damaged: it should have {lines} lines after the first, and has "
                f"{number - 1}. Was it cut off?"
            )
        recording.restore(connections, segments, accepted, dropped)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{name} is damaged in line {number}: {error!r}.") from error
    return recording


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_time(value: object) -> bool:
    return type(value) is int


def _is_address(value: object) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [str, int]


def _one_of(literal: object) -> Callable[[object], bool]:
    values = get_args(literal)
    return lambda value: value in values


def _or_none(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or check(value)


_OF_CONNECTIONS: dict[str, Callable[[Any], bool]] = {
    "number": lambda number: _is_count(number) and number > 0,
    "client": _is_address,
    "server": _is_address,
    "opened_ns": _is_time,
    "closed_ns": _or_none(_is_time),
    "error": _or_none(lambda error: isinstance(error, str)),
}
_OF_SEGMENTS: dict[str, Callable[[Any], bool]] = {
    "connection": _OF_CONNECTIONS["number"],
    "direction": _one_of(Direction),
    "offset": _is_count,
    "received_ns": _is_time,
    "forwarded_ns": _or_none(_is_time),
    "end": _or_none(_one_of(Ending)),
}


def _check(line: dict[str, Any], checks: dict[str, Callable[[Any], bool]]) -> None:
    for name, check in checks.items():
        if not check(line[name]):
            raise ValueError(f"{name} cannot be {line[name]!r:.60}")


def _line(text: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise RecordingError(f"{name} is damaged in line {number}: {error}.") from error
    if not isinstance(value, dict):
        raise RecordingError(f"{name} is damaged in line {number}: not a JSON object.")
    return value
