"""Recordings as capture files that Wireshark and tshark open.

The link sees what applications read and write, not packets, so the packets are rebuilt: an
Ethernet, an IP and a TCP header around each segment, a handshake before the first and a FIN or
RST at the end. Sequence numbers are true to the byte, times are those at which the client sent or
received (to the nanosecond), addresses and ports are the client's and the server's. The handshake
stands where the link accepted the connection, at once: a link with latency holds the first bytes
back for a round trip instead.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dpkt

from rtlab.link.recording import Recording
from rtlab.link.redaction import redacted
from rtlab.link.segment import Connection, Segment

LARGEST = 65_000
"""Bytes of a segment per packet: an IPv4 packet ends at 65,535 (RFC 791 §3.1)."""

_FIN, _SYN, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_NANOSECONDS = 9  # the if_tsresol option: times count 10 ** -9 s


class _Packet(NamedTuple):
    time_ns: int
    connection: int
    up: bool
    flags: int
    seq: int
    data: bytes


def export(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Write a recording as pcapng, with secrets blotted out."""
    connections = {connection.number: connection for connection in recording.connections}
    packets = sorted(_packets(recording, connections), key=lambda packet: packet.time_ns)
    resolution = dpkt.pcapng.PcapngOptionLE(
        code=dpkt.pcapng.PCAPNG_OPT_IF_TSRESOL, data=bytes([_NANOSECONDS])
    )
    interface = dpkt.pcapng.InterfaceDescriptionBlockLE(
        snaplen=0, opts=[resolution, dpkt.pcapng.PcapngOptionLE()]
    )
    seen: dict[tuple[int, bool], int] = {}  # the next number that each sender will use
    with Path(path).open("wb") as file:
        file.write(bytes(dpkt.pcapng.SectionHeaderBlockLE()))
        file.write(bytes(interface))
        for packet in packets:
            seen.setdefault((packet.connection, packet.up), packet.seq)
            acknowledged = seen.get((packet.connection, not packet.up), 0)
            time_ns = packet.time_ns + recording.epoch_ns
            frame = _frame(packet, connections[packet.connection], acknowledged)
            block = dpkt.pcapng.EnhancedPacketBlockLE(
                ts_high=time_ns >> 32,
                ts_low=time_ns & 0xFFFFFFFF,
                caplen=len(frame),
                pkt_len=len(frame),
                pkt_data=frame,
            )
            file.write(bytes(block))
            length = len(packet.data) + bool(packet.flags & (_SYN | _FIN))
            seen[packet.connection, packet.up] = packet.seq + length


def _packets(recording: Recording, connections: dict[int, Connection]) -> Iterator[_Packet]:
    for number, connection in connections.items():
        opened = connection.opened_ns
        yield _Packet(opened - 3, number, True, _SYN, 0, b"")
        yield _Packet(opened - 2, number, False, _SYN | _ACK, 0, b"")
        yield _Packet(opened - 1, number, True, _ACK, 1, b"")
    segments = recording.segments
    for segment, data in zip(segments, redacted(segments), strict=True):
        time_ns = _at_client(segment)
        if segment.connection not in connections or time_ns is None:
            continue
        up = segment.direction == "up"
        first = segment.offset + 1  # the SYN took number 0
        if segment.end is not None:
            flags = _FIN | _ACK if segment.end == "eof" else _RST | _ACK
            yield _Packet(time_ns, segment.connection, up, flags, first, b"")
        for start in range(0, len(data), LARGEST):
            piece = data[start : start + LARGEST]
            yield _Packet(time_ns, segment.connection, up, _PSH | _ACK, first + start, piece)


def _at_client(segment: Segment) -> int | None:
    """When the client sent a segment, or got it (``None``: never)."""
    return segment.received_ns if segment.direction == "up" else segment.forwarded_ns


def _frame(packet: _Packet, connection: Connection, acknowledged: int) -> bytes:
    client, server = connection.client, connection.server
    source, target = (client, server) if packet.up else (server, client)
    tcp = dpkt.tcp.TCP(
        sport=source[1],
        dport=target[1],
        seq=packet.seq & 0xFFFFFFFF,
        ack=acknowledged & 0xFFFFFFFF if packet.flags & _ACK else 0,
        flags=packet.flags,
        win=65_535,
        data=packet.data,
    )
    ip = _ip(source[0], target[0], tcp)
    mac = b"\x02\x00\x00\x00\x00"  # locally administered; 1 is the client, 2 the server
    ends = (mac + b"\x01", mac + b"\x02")
    sender, receiver = ends if packet.up else ends[::-1]
    return bytes(dpkt.ethernet.Ethernet(src=sender, dst=receiver, data=ip))


def _ip(source: str, target: str, tcp: dpkt.tcp.TCP) -> dpkt.ip.IP | dpkt.ip6.IP6:
    ends = _ipv6(source), _ipv6(target)
    if all(ends):
        src, dst = ends
        size = len(tcp)
        return dpkt.ip6.IP6(
            src=src, dst=dst, nxt=dpkt.ip.IP_PROTO_TCP, hlim=64, plen=size, data=tcp
        )
    return dpkt.ip.IP(src=_ipv4(source), dst=_ipv4(target), p=dpkt.ip.IP_PROTO_TCP, data=tcp)


def _ipv6(host: str) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET6, host)
    except OSError:
        return None


def _ipv4(host: str) -> bytes:
    try:
        return socket.inet_aton(host)
    except OSError:
        return socket.inet_aton("127.0.0.1")  # a name: the link dialled it on this machine
