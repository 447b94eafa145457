"""Listening sockets, on this machine only."""

from __future__ import annotations

import os
import socket

from rtlab.arguments import whole
from rtlab.errors import PortInUse

LOOPBACK = "127.0.0.1"


def listen(port: int = 0, backlog: int = 1024) -> socket.socket:
    """Return a non-blocking socket that listens on 127.0.0.1.

    Args:
        port: 0 lets the system choose a free one.
        backlog: connections that may wait to be accepted.

    Raises:
        UsageError: ``port`` is no port number.
        PortInUse: somebody else listens there, or may.
    """
    port = whole("port", port, "port number", most=65_535)
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
