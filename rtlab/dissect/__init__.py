"""Bytes explained: every field with its place, its value, a note and the clause that has it.

Sans-I/O, standard library only, and independent of the libraries that carry the lab's traffic, so
that each can check the other. One thing is left to a library: ``http2`` has ``hpack`` undo the
compression of header fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtlab.dissect.field import Dissection

PROTOCOLS = ("http1", "http2", "sse", "websocket")


def dissect(data: bytes, protocol: str, **options: Any) -> Dissection:
    """Take bytes apart.

    It never raises on what the bytes are: what is wrong becomes a field with an error.

    Args:
        data: the bytes, as they crossed the wire in one direction.
        protocol: ``"http1"``, ``"http2"``, ``"sse"`` or ``"websocket"``.
        **options: of the protocol's ``grammar``: ``sender="client"`` or ``"server"`` for all but
            ``sse``; ``methods`` of the requests that are answered, and ``upgrade_after``, for
            ``http1``; ``max_frame_size``, ``header_table_size``, ``push``, ``tunnels`` and
            ``client_streams`` for ``http2``; ``deflate``, ``takeover`` and ``window_bits`` for
            ``websocket``; ``last_event_id`` for ``sse``.

    Returns:
        The bytes and their tree; print it, or walk through ``root``.

    Raises:
        UsageError: there is no such protocol or option, an option cannot have that value, or
            ``data`` is not bytes.
    """
    from importlib import import_module
    from inspect import signature

    from rtlab.arguments import one_of
    from rtlab.dissect.field import Dissection
    from rtlab.dissect.options import CHECKS
    from rtlab.errors import UsageError

    name = one_of("protocol", protocol, PROTOCOLS)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise UsageError(f"data must be bytes, not of {type(data)}. Text has encode().")
    module = import_module(f"rtlab.dissect.{name}")
    known = [option for option in signature(module.grammar).parameters if option in CHECKS]
    for option, value in options.items():
        one_of(f"option of {name}", option, known)
        CHECKS[option](option, value)
    dissector = module.dissector(**options)
    dissector.feed(bytes(data))
    return Dissection(name, bytes(data), dissector.end())
