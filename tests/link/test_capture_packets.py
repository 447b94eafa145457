"""Through the headers of links and of IP, of either version, to the TCP segment."""

import struct

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import ACK, CLIENT, SERVER, SYN, address, tcp

from rtlab.link.capture_files import Frame
from rtlab.link.capture_packets import Other, packet

CLIENT6, SERVER6 = ("fe80::1", 50_000), ("2001:db8::2", 8080)
MACS = bytes(12)
COOKED = bytes(14)
TAG = b"\x81\x00\x00\x07"


def frame(data, link_type=101, size=None):
    return Frame(0, link_type, data, len(data) if size is None else size)


def four(data=b"hello", **options):
    return tcp(CLIENT, SERVER, 7, 8, data=data, **options)


def six(data=b"hello"):
    return tcp(CLIENT6, SERVER6, 7, 8, data=data)


@pytest.mark.parametrize(
    ("link_type", "before4", "before6"),
    [
        (1, MACS + b"\x08\x00", MACS + b"\x86\xdd"),
        (1, MACS + TAG + b"\x08\x00", MACS + TAG + b"\x86\xdd"),
        (1, MACS + b"\x88\xa8\0\7" + TAG + b"\x08\x00", MACS + TAG + TAG + b"\x86\xdd"),
        (113, COOKED + b"\x08\x00", COOKED + b"\x86\xdd"),
        (113, COOKED + TAG + b"\x08\x00", COOKED + TAG + b"\x86\xdd"),
        (276, b"\x08\x00" + bytes(18), b"\x86\xdd" + bytes(18)),
        (276, b"\x81\x00" + bytes(18) + b"\0\7\x08\x00", b"\x81\x00" + bytes(20) + b"\x86\xdd"),
        (0, b"\x02\0\0\0", b"\x1e\0\0\0"),  # macOS
        (0, b"\0\0\0\x02", b"\0\0\0\x1c"),  # a FreeBSD of the other order
        (108, b"\0\0\0\x02", b"\0\0\0\x18"),
        (101, b"", b""),
        (12, b"", b""),
        (228, b"", b""),
        (229, b"", b""),
    ],
)
def test_every_kind_of_link(link_type, before4, before6):
    found = packet(frame(before4 + four(), link_type))
    assert (found.source, found.target, found.seq, found.ack) == (CLIENT, SERVER, 7, 8)
    assert (found.data, found.size, found.flags) == (b"hello", 5, ACK)
    found = packet(frame(before6 + six(), link_type))
    assert (found.source, found.target, found.data) == (CLIENT6, SERVER6, b"hello")


def test_what_an_ethernet_adds_to_short_packets_is_no_data():
    found = packet(frame(MACS + b"\x08\x00" + four(b"") + bytes(6), 1))
    assert (found.data, found.size) == (b"", 0)
    found = packet(frame(MACS + b"\x86\xdd" + six(b"x") + bytes(4), 1))
    assert (found.data, found.size) == (b"x", 1)


def test_options_are_no_data():
    opts = b"\x01\x01\x08\x0a" + bytes(8)
    found = packet(frame(four(opts=opts, flags=SYN)))
    assert (found.data, found.flags) == (b"hello", SYN)


@pytest.mark.parametrize("data", [four(bytes(1000)), six(bytes(1000))])
@pytest.mark.parametrize("kept", [100, 500])
def test_a_packet_that_was_cut_keeps_its_size(data, kept):
    found = packet(frame(data[:kept], size=len(data)))
    assert (len(found.data), found.size) == (len(data[:kept]) - (len(data) - 1000), 1000)


@pytest.mark.parametrize(
    ("data", "place"), [(four(bytes(1000)), slice(2, 4)), (six(bytes(1000)), slice(4, 6))]
)
def test_a_length_of_0_is_one_that_the_card_will_divide(data, place):
    large = bytearray(data)
    large[place] = b"\0\0"
    found = packet(frame(bytes(large[:500]), size=len(large)))
    assert found.size == 1000 and len(found.data) == 1000 - (len(large) - 500)


def test_ipv6_extension_headers_are_passed():
    inner = six()
    hop = b"\x3c\0" + bytes([1, 4]) + bytes(4)  # then destination options
    options = b"\x06\0" + bytes([1, 4]) + bytes(4)
    data = inner[:4] + struct.pack(">H", len(inner) - 40 + 16) + b"\0" + inner[7:40]
    found = packet(frame(data + hop + options + inner[40:]))
    assert (found.source, found.data, found.size) == (CLIENT6, b"hello", 5)


def whole6(header):
    """An IPv6 packet with a fragment header before its TCP segment."""
    inner = six()
    length = struct.pack(">H", len(inner) - 40 + 8)
    return inner[:4] + length + b"\x2c" + inner[7:40] + header + inner[40:]


def test_a_fragment_that_is_all_there_is_one_packet():
    assert packet(frame(whole6(b"\x06\0\0\0\0\0\0\1"))).data == b"hello"  # RFC 6946


def udp():
    data = dpkt.udp.UDP(sport=1, dport=53, data=b"?")
    return bytes(dpkt.ip.IP(src=address("10.0.0.1"), dst=address("10.0.0.2"), p=17, data=data))


def changed(data, place, value):
    return data[:place] + value + data[place + len(value) :]


@pytest.mark.parametrize(
    ("what", "link_type", "data"),
    [
        ("UDP", 101, udp()),
        ("ICMP", 101, changed(udp(), 9, b"\x01")),
        ("IP 89", 101, changed(udp(), 9, b"\x59")),
        ("ICMPv6", 101, changed(six(), 6, b"\x3a")),
        ("ARP", 1, MACS + b"\x08\x06" + bytes(28)),
        ("EtherType 0x88cc", 1, MACS + b"\x88\xcc" + bytes(30)),
        ("EtherType 0x0026", 1, MACS + b"\x00\x26" + bytes(50)),
        ("link type 105", 105, bytes(60)),
        ("not IP", 0, b"\x07\0\0\0" + bytes(20)),
        ("fragment", 101, changed(four(), 6, b"\x20\x00")),
        ("fragment", 101, changed(four(), 6, b"\x00\x10")),
        ("fragment", 101, whole6(b"\x06\0\0\x01\0\0\0\1")),
        ("fragment", 101, whole6(b"\x06\0\0\x08\0\0\0\1")),
        ("damaged", 1, MACS),
        ("damaged", 1, MACS + b"\x81\x00\0"),
        ("damaged", 101, b""),
        ("damaged", 101, four()[:30]),
        ("damaged", 101, six()[:50]),
        ("damaged", 101, changed(four(), 32, b"\x10")),
        ("damaged", 101, four(opts=bytes(12))[:48]),
        ("damaged", 1, MACS + b"\x86\xdd" + four()),
        ("to itself", 101, tcp(CLIENT, CLIENT, 1)),
    ],
)
def test_what_is_no_tcp_says_what_it_is(what, link_type, data):
    with pytest.raises(Other) as caught:
        packet(frame(data, link_type))
    assert str(caught.value) == what


def test_packets_in_packets_without_end_are_only_damaged():
    data = b""
    for _ in range(3000):
        data = bytes(dpkt.ip.IP(src=bytes(4), dst=bytes(4), p=4, len=0)) + data
    with pytest.raises(Other):
        packet(frame(data))


@given(
    st.sampled_from([0, 1, 101, 108, 113, 276]),
    st.sampled_from([b"", four(), six(), udp(), MACS + b"\x08\x00" + four()]),
    st.integers(0, 80),
    st.binary(max_size=60),
)
def test_nonsense_is_only_left_out(link_type, data, place, junk):
    try:
        packet(frame(data[:place] + junk + data[place + len(junk) :], link_type))
    except Other as other:
        assert str(other)
