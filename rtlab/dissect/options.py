"""What the options of ``dissect`` may be, so that a wrong one is named before it does harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from rtlab.arguments import one_of, whole, yes_or_no
from rtlab.errors import UsageError


def _sender(name: str, value: Any) -> None:
    if value is not None:
        one_of(name, value, ("client", "server"))


def _methods(name: str, value: Any) -> None:
    # A text is a sequence of texts as well: "HEAD" would be four methods.
    if not _are(value, str):
        raise UsageError(
            f'{name} must be a list of methods such as ["HEAD", "GET"], not {value!r}.'
        )


def _request(name: str, value: Any) -> None:
    if value is not None:
        whole(name, value)


def _streams(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, Set) and not _are(value, int):
        raise UsageError(f"{name} must be a list or set of stream numbers, not {value!r}.")


def _tunnels(name: str, value: Any) -> None:
    named = isinstance(value, Mapping) and _are(list(value.values()), str)
    if not _are(list(value) if named else value, int):
        raise UsageError(
            f"{name} must be a list of stream numbers, or stream number to what "
            f"Sec-WebSocket-Extensions says there, not {value!r}."
        )


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise UsageError(f"{name} must be a text, not {value!r}.")


def _are(value: Any, kind: type) -> bool:
    """Whether a value is a sequence of such, and no text or bytes."""
    listed = isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))
    return listed and all(isinstance(each, kind) for each in value)


def _whole(unit: str, least: int, most: int) -> Callable[[str, Any], object]:
    return lambda name, value: whole(name, value, unit, least=least, most=most)


CHECKS: dict[str, Callable[[str, Any], object]] = {
    "sender": _sender,
    "methods": _methods,
    "upgrade_after": _request,
    "max_frame_size": _whole("bytes", 2**14, 2**24 - 1),  # RFC 9113 §6.5.2
    "header_table_size": _whole("bytes", 0, 2**32 - 1),
    "push": yes_or_no,
    "tunnels": _tunnels,
    "client_streams": _streams,
    "deflate": yes_or_no,
    "takeover": yes_or_no,
    "window_bits": _whole("bits", 8, 15),  # RFC 7692 §7.1.2
    "last_event_id": _text,
}
"""Option to what raises a ``UsageError`` on its name and a value that it cannot have."""
