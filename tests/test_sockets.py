import asyncio
import socket
import sys
from contextlib import ExitStack

import pytest

from rtlab.errors import PortInUse, RtlabError, UsageError
from rtlab.sockets import QUIET_PORTS, listen, taken
from tests.ports import free_port


def test_a_listening_socket_has_a_free_port_of_this_machine_only():
    with listen() as sock:
        host, port = sock.getsockname()
        assert host == "127.0.0.1" and port > 0
        with socket.create_connection((host, port)):
            pass


def test_a_free_port_is_none_that_the_system_gives_away():
    with socket.create_server(("127.0.0.1", 0)) as given:
        assert given.getsockname()[1] not in QUIET_PORTS
    with ExitStack() as open_:
        ports = [open_.enter_context(listen()).getsockname()[1] for _ in range(50)]
    assert set(ports) <= set(QUIET_PORTS)
    assert len(set(ports)) == 50


def test_where_all_of_those_are_taken_the_system_chooses(monkeypatch):
    with listen() as taken:
        monkeypatch.setattr("rtlab.sockets.QUIET_PORTS", [taken.getsockname()[1]])
        with listen() as other:
            assert other.getsockname()[1] not in (0, taken.getsockname()[1])


def test_the_port_that_was_asked_for_is_used_and_can_be_used_again():
    with listen() as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, first:
            first.setblocking(True)
            first.accept()[0].close()  # leaves the port in TIME_WAIT
            assert client.recv(1) == b""
    with listen(port) as second:
        assert second.getsockname()[1] == port


def test_a_port_in_use_is_named_with_the_way_out():
    with listen() as first:
        port = first.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} .* choose another port") as caught:
            listen(port)
    assert isinstance(caught.value, OSError) and isinstance(caught.value, RtlabError)


@pytest.mark.parametrize("port", [-1, 65_536, 80.0, "80", None, True])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(UsageError, match="port"):
        listen(port)


async def test_accepted_connections_do_not_wait_to_fill_a_packet():
    found = asyncio.get_running_loop().create_future()

    def accepted(reader, writer):
        sock = writer.get_extra_info("socket")
        found.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    sock = listen()
    async with await asyncio.start_server(accepted, sock=sock):
        _, writer = await asyncio.open_connection(*sock.getsockname())
        assert await found
        writer.close()
        await writer.wait_closed()


def test_a_port_that_somebody_has_is_told_without_dialling_it():
    for host in ("127.0.0.1", "0.0.0.0"):
        with socket.create_server((host, free_port())) as server:
            port = server.getsockname()[1]
            assert taken(port) is True
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.accept()
    port = free_port()
    assert taken(port) is False
    assert taken(port, "192.0.2.1") is None  # TEST-NET-1 (RFC 5737): no address of this machine


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere that cannot be told apart")
def test_a_port_is_not_taken_by_what_lingers_of_old_connections():
    with socket.create_server(("127.0.0.1", free_port())) as server:
        port = server.getsockname()[1]
        with socket.create_connection(server.getsockname()) as client:
            server.accept()[0].close()  # who closes first lingers
            assert client.recv(1) == b""
    assert taken(port) is False
