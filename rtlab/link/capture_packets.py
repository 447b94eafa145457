"""What is in a captured packet: through the link's header and IP to the TCP segment.

dpkt takes IP and TCP apart. The checksums are not looked at: where a network card works them out,
a capture of what goes out has none yet.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

import dpkt

from rtlab.link.capture_files import Frame

Address = tuple[str, int]

_IP4, _IP6 = 0x0800, 0x86DD
_TAGS = (0x8100, 0x88A8, 0x9100)  # IEEE 802.1Q, 802.1ad, and what stood for it before
_ETHERNET, _COOKED, _COOKED2 = 1, 113, 276
_TYPED = {_ETHERNET: (12, 14), _COOKED: (14, 16), _COOKED2: (0, 20)}  # place of type, of the rest
_BARE = {0: 4, 108: 4, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0}  # loopback of BSD, and no header
_NAMES = {1: "ICMP", 2: "IGMP", 17: "UDP", 58: "ICMPv6", 132: "SCTP", 0x0806: "ARP"}


class Packet(NamedTuple):
    """A TCP segment as it crossed a network (RFC 9293 §3.1).

    Attributes:
        source: address and port of who sent it.
        target: address and port of whom it is for.
        seq: the number of its first byte.
        ack: the number of the byte that the sender expects next.
        flags: FIN 1, SYN 2, RST 4, ACK 16, and others.
        data: the bytes that were captured.
        size: how many there were.
    """

    source: Address
    target: Address
    seq: int
    ack: int
    flags: int
    data: bytes
    size: int


class Other(Exception):
    """A packet that carries no TCP segment that could be read; it says what it is."""


def packet(frame: Frame) -> Packet:
    """Return the TCP segment in a frame.

    Raises:
        Other: there is none, or it cannot be read.
    """
    at, version = _network(frame)
    try:
        ip = dpkt.ip.IP(frame.data[at:]) if version == 4 else dpkt.ip6.IP6(frame.data[at:])
    except Exception as error:  # dpkt is not ready for everything that a wire can carry
        raise Other("damaged") from error
    if ip.v != version:
        raise Other("damaged")
    if _is_fragment(ip):
        raise Other("fragment")
    tcp = ip.data
    if not isinstance(tcp, dpkt.tcp.TCP):
        raise Other("damaged" if ip.p == dpkt.ip.IP_PROTO_TCP else _NAMES.get(ip.p, f"IP {ip.p}"))
    if tcp.off * 4 > len(tcp) - len(tcp.data):
        raise Other("damaged")  # the capture ends within its options
    # A length of 0 stands for one that has no room there: the card will divide the segment.
    length = (ip.len if version == 4 else ip.plen and ip.plen + 40) or frame.size - at
    missing = max(0, length - (len(frame.data) - at))
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    source = socket.inet_ntop(family, ip.src), tcp.sport
    target = socket.inet_ntop(family, ip.dst), tcp.dport
    if source == target:
        raise Other("to itself")  # both directions would be one
    return Packet(
        source,
        target,
        tcp.seq,
        tcp.ack,
        tcp.flags,
        tcp.data,
        len(tcp.data) + missing,
    )


def _network(frame: Frame) -> tuple[int, int]:
    """Return where IP begins in a frame, and its version."""
    data = frame.data
    try:
        if frame.link_type in _TYPED:
            place, at = _TYPED[frame.link_type]
            (kind,) = struct.unpack_from(">H", data, place)
            while kind in _TAGS:
                (kind,) = struct.unpack_from(">H", data, at + 2)
                at += 4
            if kind not in (_IP4, _IP6):
                raise Other(_NAMES.get(kind, f"EtherType {kind:#06x}"))
            return at, 4 if kind == _IP4 else 6
        if frame.link_type in _BARE:
            # A loopback header has the address family in the order of the machine that captured,
            # and IPv6 another number on each BSD: IP's own first four bits are plainer.
            at = _BARE[frame.link_type]
            if data[at] >> 4 in (4, 6):
                return at, data[at] >> 4
            raise Other("not IP")
    except (struct.error, IndexError) as error:
        raise Other("damaged") from error
    raise Other(f"link type {frame.link_type}")


def _is_fragment(ip: dpkt.ip.IP | dpkt.ip6.IP6) -> bool:
    if isinstance(ip, dpkt.ip.IP):
        return bool(ip.mf or ip.offset)
    return any(
        isinstance(header, dpkt.ip6.IP6FragmentHeader) and (header.frag_off or header.m_flag)
        for header in ip.all_extension_headers
    )
