"""Sockets: listening on this machine only, and ending in the way that is meant."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import socket
import struct
import sys
from typing import Literal

from rtlab.arguments import whole
from rtlab.errors import PortInUse

LOOPBACK = "127.0.0.1"


QUIET_PORTS = range(10_000, 32_768)
"""Ports that no system hands out by itself: RFC 6335 §6 has those start at 49152, Linux's at 32768.

A program whose server has gone dials its port again and again. Jupyter does, seven times a second,
while a page is open whose kernel was shut down, and a kernel's ports were handed out by the system.
A link that got one of them would record a caller whom nobody invited.
"""
_TRIES = 100


def listen(port: int = 0, backlog: int = 1024) -> socket.socket:
    """Return a non-blocking socket that listens on 127.0.0.1.

    Args:
        port: 0 takes a free one, of ``QUIET_PORTS`` where possible.
        backlog: connections that may wait to be accepted.

    Raises:
        UsageError: ``port`` is no port number.
        PortInUse: somebody else listens there, or may.
    """
    port = whole("port", port, most=65_535)
    if port == 0:
        for _ in range(_TRIES):
            with contextlib.suppress(PortInUse):
                return _listen(secrets.choice(QUIET_PORTS), backlog)
    return _listen(port, backlog)


def _listen(port: int, backlog: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP. Without the third argument
    # every small answer would wait some 40 ms for a delayed acknowledgement.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows this option would let two servers share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise PortInUse(
            f"Port {port} on {LOOPBACK} cannot be used ({error.strerror or error}). Stop the "
            "program that has it, choose another port, or leave the port out and get a free one."
        ) from error
    return sock


def taken(port: int, host: str = LOOPBACK) -> bool | None:
    """Return whether somebody has a port of this machine; ``None`` if that cannot be told.

    It is found out without dialling: a server that waits for one connection would take ours for it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            if sys.platform == "linux":
                # Or what lingers there of old connections (TIME-WAIT, RFC 9293 §3.6) would count.
                # Only Linux refuses all the same where somebody listens, be it at 0.0.0.0.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
    except OSError as error:
        return True if error.errno == errno.EADDRINUSE else None
    return False


async def stop_accepting(sock: socket.socket) -> None:
    """Accept no more, and let those who were accepted reach their protocol.

    A server that is closed in the same turn of the loop forgets them: asyncio up to Python 3.11
    fails an assertion on the way, and nobody would ever close their sockets.
    """
    with contextlib.suppress(NotImplementedError):  # Windows' loop has no readers, and no such turn
        asyncio.get_running_loop().remove_reader(sock)
    for _ in range(4):
        await asyncio.sleep(0)


_LINGER = "hh" if os.name == "nt" else "ii"  # how the system lays out struct linger


def reset_on_close(transport: asyncio.Transport) -> None:
    """Make the coming close a TCP reset (RFC 9293 §3.10.7.4 calls it an abort)."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))


def say_end(transport: asyncio.Transport) -> None:
    """Send the FIN first: to close with bytes unread would be a reset (RFC 2525 §2.17)."""
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").shutdown(socket.SHUT_WR)


def break_off(transport: asyncio.Transport, ending: Literal["cut", "reset"]) -> None:
    """Close at once, in order or with a TCP reset; what is still to be sent is lost."""
    if ending == "reset":
        reset_on_close(transport)
    else:
        say_end(transport)
    transport.abort()


def small_buffers(transport: asyncio.Transport | None, size: int) -> None:
    """Keep the system's buffers from hiding that a link has little bandwidth."""
    if transport is not None and not transport.is_closing():
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, size)
