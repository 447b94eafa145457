"""Packets and capture files made to order: what a network would carry, and what it should not."""

import io
import random
import socket
import struct

import dpkt

from rtlab.link.capture import read

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = ("10.0.0.1", 50_000), ("10.0.0.2", 80)
START_NS = 1_700_000_000_123_456_789


def tcp(source, target, seq, ack=0, flags=ACK, data=b"", opts=b""):
    """A TCP segment in an IP packet, version 4 or 6 by the addresses; numbers wrap."""
    seq, ack = seq % (1 << 32), ack % (1 << 32)
    segment = dpkt.tcp.TCP(
        sport=source[1], dport=target[1], seq=seq, ack=ack, flags=flags, data=data, opts=opts
    )
    segment.off = 5 + len(opts) // 4
    src, dst = address(source[0]), address(target[0])
    if len(src) == 16:
        ip = dpkt.ip6.IP6(src=src, dst=dst, nxt=6, hlim=64, plen=len(segment), data=segment)
    else:
        ip = dpkt.ip.IP(src=src, dst=dst, p=6, data=segment)
    return bytes(ip)


def address(host):
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)


class Talk:
    """A connection as a capture between its ends would see it, each packet acknowledged."""

    def __init__(self, client=CLIENT, server=SERVER, numbers=(1000, 5000), handshake=True):
        self.ends = {True: client, False: server}
        self.next = {True: numbers[0], False: numbers[1]}
        self.packets = []
        self.sent = {True: b"", False: b""}
        if handshake:
            self.put(True, flags=SYN)
            self.put(False, flags=SYN | ACK)
            self.put(True)

    def put(self, up, data=b"", flags=ACK, seq=None, ack=None):
        """Add one packet; ``seq`` and ``ack`` are what comes next, if not given."""
        here, there = self.next[up], self.next[not up]
        self.packets.append(
            tcp(
                self.ends[up],
                self.ends[not up],
                here if seq is None else seq,
                (there if ack is None else ack) if flags & ACK else 0,
                flags,
                data,
            )
        )
        if seq is None:
            self.next[up] += len(data) + bool(flags & SYN) + bool(flags & FIN)
            self.sent[up] += data
        return self

    def say(self, up, *pieces):
        """Send these pieces; the other side acknowledges each."""
        for data in pieces:
            self.put(up, data, PSH | ACK)
            self.put(not up)
        return self

    def close(self):
        self.put(True, flags=FIN | ACK)
        self.put(False, flags=FIN | ACK)
        self.put(True)
        return self


def mixed(lists, seed=0):
    """The packets of several connections, interleaved; each one's own keep their order."""
    lists, rng = list(lists), random.Random(seed)
    order = [place for place, packets in enumerate(lists) for _ in packets]
    rng.shuffle(order)
    waiting = [iter(packets) for packets in lists]
    return [next(waiting[place]) for place in order]


def pcap(
    packets,
    link_type=101,
    snaplen=None,
    order="<",
    nano=False,
    before=b"",
    step_ns=1_000_000,
    places=None,
):
    """A pcap file of packets, a millisecond apart; ``places`` says when each was captured."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen or 262_144, link_type)]
    for place, packet in zip(places or range(len(packets)), packets, strict=True):
        data = before + packet
        kept = data[:snaplen]
        seconds, rest = divmod(START_NS + place * step_ns, 1_000_000_000)
        fraction = rest if nano else rest // 1000
        out += [struct.pack(order + "IIII", seconds, fraction, len(kept), len(data)), kept]
    return b"".join(out)


def block(kind, body, order="<"):
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type=101, snaplen=0, options=b"", order="<"):
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + options, order)


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def enhanced(data, ticks, place=0, size=None, order="<", options=b""):
    """An enhanced packet block."""
    size = len(data) if size is None else size
    head = struct.pack(order + "IIIII", place, ticks >> 32, ticks & 0xFFFFFFFF, len(data), size)
    return block(6, head + data + bytes(-len(data) % 4) + options, order)


def load(data, port=None):
    """What ``Recording.load`` makes of such a file."""
    return read(io.BytesIO(data), "made.pcap", port)
