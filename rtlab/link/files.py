"""Recordings as files: JSON lines, a version in the first."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rtlab.errors import RecordingError
from rtlab.link.recording import Connection, Recording, Segment, Totals
from rtlab.link.redaction import redacted

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
    }
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(head) + "\n")
        for connection in connections:
            file.write(json.dumps(asdict(connection)) + "\n")
        for segment, data in zip(segments, redacted(segments), strict=True):
            line = asdict(segment) | {"data": base64.b64encode(data).decode()}
            file.write(json.dumps(line) + "\n")


def load(path: str | os.PathLike[str]) -> Recording:
    """Read a recording that ``save`` wrote.

    Raises:
        RecordingError: the file is no recording, of another version, or damaged.
    """
    with Path(path).open("rb") as file:
        try:
            head = json.loads(file.readline())
        except ValueError:
            head = None
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise RecordingError(f"{path} is not a recording of rtlab's: line 1 does not say so.")
        if head.get("version") != VERSION:
            raise RecordingError(
                f"{path} has version {head.get('version')}; this rtlab reads version {VERSION}."
            )
        number = 1
        try:
            recording = Recording(
                head["limit"], Totals(**head["up"]), Totals(**head["down"]), head["epoch_ns"]
            )
            accepted, dropped, lines = head["accepted"], head["dropped"], head["lines"]
            connections: list[Connection] = []
            segments: list[Segment] = []
            for number, text in enumerate(file, 2):
                line = _line(text, path, number)
                if "number" in line:
                    line["client"], line["server"] = tuple(line["client"]), tuple(line["server"])
                    connections.append(Connection(**line))
                else:
                    line["data"] = base64.b64decode(line["data"], validate=True)
                    segments.append(Segment(**line))
            if number - 1 != lines:
                raise RecordingError(
                    f"{path} is damaged: it should have {lines} lines after the first, and has "
                    f"{number - 1}. Was it cut off?"
                )
            recording.restore(connections, segments, accepted, dropped)
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"{path} is damaged in line {number}: {error!r}.") from error
    return recording


def _line(text: bytes, path: str | os.PathLike[str], number: int) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise RecordingError(f"{path} is damaged in line {number}: {error}.") from error
    if not isinstance(value, dict):
        raise RecordingError(f"{path} is damaged in line {number}: not a JSON object.")
    return value
