"""The frames of pcap and pcapng files, of every kind that the formats allow."""

import io
import struct

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packets import (
    START_NS,
    block,
    enhanced,
    interface,
    option,
    pcap,
    section,
)

from rtlab.errors import RecordingError
from rtlab.link.capture_files import LARGEST, foreign, frames, is_capture

ORDERS = pytest.mark.parametrize("order", ["<", ">"])
NAME = "some.pcapng"
TICKS = START_NS // 1000


def read(data):
    """The frames of a file and what is said of it."""
    notes = []
    return list(frames(io.BytesIO(data), NAME, notes)), notes


def contents(data):
    found, notes = read(data)
    assert notes == []
    return [frame.data for frame in found]


# ── pcap ──


@ORDERS
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_in_either_order_with_either_clock(order, nano):
    (first, second), notes = read(pcap([b"one", b"three"], 1, order=order, nano=nano))
    assert (first.data, first.size, first.link_type) == (b"one", 3, 1)
    assert second.data == b"three" and notes == []
    unit = 1 if nano else 1000
    assert first.time_ns == START_NS // unit * unit
    assert second.time_ns - first.time_ns == 1_000_000


def test_pcap_packets_cut_by_a_snapshot_length_keep_their_size():
    [frame], _ = read(pcap([b"x" * 100], snaplen=10))
    assert (len(frame.data), frame.size) == (10, 100)


def test_the_length_of_a_checksum_is_no_part_of_the_link_type():
    data = bytearray(pcap([b"x"], 1))
    data[20:24] = struct.pack("<I", 0x2400_0001)
    [frame], _ = read(bytes(data))
    assert frame.link_type == 1


def test_a_file_of_dpkts_own_writer():
    file = io.BytesIO()
    dpkt.pcap.Writer(file, nano=True).writepkt(b"abc", ts=1.5)
    [frame], _ = read(file.getvalue())
    assert (frame.data, frame.time_ns) == (b"abc", 1_500_000_000)


# ── pcapng ──


@ORDERS
def test_pcapng_in_either_order(order):
    data = section(order) + interface(order=order)
    data += enhanced(b"abcde", TICKS, size=50, order=order)
    [frame], notes = read(data)
    assert (frame.data, frame.size, frame.link_type, notes) == (b"abcde", 50, 101, [])
    assert frame.time_ns == TICKS * 1000  # microseconds, where nothing is said


@pytest.mark.parametrize(
    ("resolution", "ticks", "time_ns"),
    [
        (6, 1_500_000, 1_500_000_000),
        (9, START_NS, START_NS),
        (3, 1500, 1_500_000_000),
        (0, 7, 7_000_000_000),
        (12, 1_500_000_000_123, 1_500_000_000),
        (0x80 | 10, 1536, 1_500_000_000),
        (0x80 | 32, 3 << 31, 1_500_000_000),
    ],
)
def test_an_interface_says_what_its_clock_counts(resolution, ticks, time_ns):
    options = option(9, bytes([resolution])) + option(0, b"")
    [frame], _ = read(section() + interface(options=options) + enhanced(b"x", ticks))
    assert frame.time_ns == time_ns


def test_an_interface_says_what_to_add_to_its_times():
    options = option(1, "ein Kommentar, ü".encode()) + option(14, struct.pack("<q", -2))
    [frame], _ = read(section() + interface(options=options) + enhanced(b"x", 5_000_000))
    assert frame.time_ns == 3_000_000_000


def test_packets_of_several_interfaces():
    nano = option(9, b"\x09")
    data = section() + interface(1) + interface(113, options=nano)
    data += enhanced(b"a", 7, place=1) + enhanced(b"b", 7, place=0)
    found, _ = read(data)
    assert [(frame.link_type, frame.time_ns) for frame in found] == [(113, 7), (1, 7000)]


def test_sections_have_their_own_order_and_interfaces():
    data = section("<") + interface(1) + enhanced(b"a", 1)
    data += section(">") + interface(101, order=">") + enhanced(b"b", 2, order=">")
    found, _ = read(data)
    assert [(frame.data, frame.link_type) for frame in found] == [(b"a", 1), (b"b", 101)]
    with pytest.raises(RecordingError, match="does not hold together"):
        read(section() + interface() + section() + enhanced(b"x", 1))


@ORDERS
def test_simple_and_obsolete_packets(order):
    simple = block(3, struct.pack(order + "I", 9) + b"abc\0", order)
    obsolete = struct.pack(order + "HHIIII", 0, 99, 0, 42, 3, 3) + b"old\0"
    data = section(order) + interface(snaplen=3, order=order)
    found, _ = read(data + block(2, obsolete, order) + simple)
    assert [(f.data, f.size, f.time_ns) for f in found] == [
        (b"old", 3, 42_000),
        (b"abc", 9, 42_000),
    ]


def test_blocks_of_other_kinds_and_options_are_passed_over():
    other = block(5, bytes(20)) + block(0xBAD, b"private") + block(4, b"names")
    data = section() + other + interface() + enhanced(b"x", 1, options=option(1, b"\xff")) + other
    assert contents(data) == [b"x"]


def test_a_file_of_dpkts_own_writer_ng():
    file = io.BytesIO()
    dpkt.pcapng.Writer(file).writepkt(b"abc", ts=1.5)
    [frame], _ = read(file.getvalue())
    assert (frame.data, frame.time_ns) == (b"abc", 1_500_000_000)


# ── files that end early, and other ones ──


def both():
    packets = [bytes([65 + n]) * n for n in range(1, 5)]
    ng = section() + interface() + b"".join(enhanced(p, n) for n, p in enumerate(packets))
    return [(pcap(packets), packets), (ng, packets)]


@pytest.mark.parametrize("which", [0, 1])
def test_wherever_a_file_is_cut_off_what_is_whole_is_kept(which):
    data, packets = both()[which]
    ends = set()
    for size in range(30, len(data)):
        found, notes = read(data[:size])
        assert [frame.data for frame in found] == packets[: len(found)]
        ends.add(len(found))
        for note in notes:
            assert note.startswith("The file is cut off: what begins at byte ")
    assert ends == {0, 1, 2, 3}
    assert contents(data) == packets


def test_the_note_says_where_the_incomplete_packet_begins():
    data = pcap([b"one", b"two"])
    assert read(data[:-1])[1] == [
        "The file is cut off: what begins at byte 43 is incomplete, and left out."
    ]
    assert read(data[:43]) == (read(data)[0][:1], [])


@pytest.mark.parametrize("data", [b"", b"\n", pcap([])[:20], section()[:20]])
def test_a_file_without_a_whole_head_is_an_error(data):
    with pytest.raises(RecordingError, match=f"{NAME} is cut off within its first"):
        read(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GIF89a, and so on", "is no capture: it begins with 47 49 46 38"),
        (pcap([b"x"]) + struct.pack("<IIII", 0, 0, LARGEST + 1, 1), "at byte 41: a packet of 16,7"),
        (b"\xd4\xc3\xb2\xa1" + b"\x07" + bytes(19), "its version is 7"),
        (section() + b"\x06\0\0\0\x08\0\0\0" + bytes(4), "at byte 28: a block of 8 bytes"),
        (section() + b"\x06\0\0\0\x0d\0\0\0" + bytes(9), "a block of 13 bytes"),
        (section() + struct.pack("<II", 6, LARGEST + 4) + bytes(9), "at byte 28: a block of 16,7"),
        (section() + interface()[:-4] + b"\x10\0\0\0", "whose two lengths differ"),
        (section()[:8] + bytes(20), "in which order"),
        (section()[:12] + b"\x02" + section()[13:], "version 2.0"),
        (section() + interface() + enhanced(b"x", 1, place=1), "block of type 6 that does not"),
        (section() + interface() + block(6, bytes(12)), "does not hold together"),
        (section() + interface() + block(6, struct.pack("<IIIII", 0, 0, 0, 5, 5)), "hold together"),
        (section() + block(3, bytes(4)), "does not hold together"),
        (section() + interface(options=option(9, b"")), "does not hold together"),
        (section() + interface(options=b"\x09"), "does not hold together"),
    ],
)
def test_damage_is_named_with_its_place(data, words):
    with pytest.raises(RecordingError) as caught:
        read(data)
    assert NAME in str(caught.value) and words in str(caught.value)


@given(st.sampled_from([0, 1]), st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_no_damage_whatever_raises_anything_but_a_recording_error(which, place, junk):
    data = bytearray(both()[which][0])
    place %= len(data)
    data[place : place + len(junk)] = junk
    try:
        read(bytes(data))
    except RecordingError as error:
        assert NAME in str(error)


def test_the_first_bytes_say_what_a_file_is():
    for data, _ in both():
        assert is_capture(data[:4]) and not foreign(data)
    assert not is_capture(b'{"format": "rtlab-recording"')
    assert "gunzip" in foreign(b"\x1f\x8b\x08\0") and "Wireshark" in foreign(b"snoop\0\0\0")
