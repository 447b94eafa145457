"""Ports for tests that must name one beforehand."""

from rtlab.sockets import listen


def free_port() -> int:
    """Return a port on which nobody listens, and that the system gives to nobody meanwhile."""
    with listen() as sock:
        return int(sock.getsockname()[1])
