"""WebSocket frames: what the tree says, and that others say the same."""

import itertools
import logging
import random
import tracemalloc
import zlib

import pytest
import websockets.frames
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate
from wsproto.frame_protocol import FrameProtocol, ParseFailed

from rtlab.dissect import inflate
from rtlab.dissect.field import Field
from rtlab.dissect.masking import unmask
from rtlab.dissect.websocket import REMARKS, dissector
from tests.dissect.helpers import cut_off
from tests.dissect.timing import LINEAR, growth

KEY = bytes.fromhex("37fa213d")


def frame(opcode, payload=b"", *, fin=1, rsv=0, key=None, form=None, length=None):
    """Return a frame; ``form`` is the number of bits its length takes."""
    length = len(payload) if length is None else length
    form = form or (7 if length < 126 else 16 if length < 2**16 else 64)
    short = {7: length, 16: 126, 64: 127}[form]
    head = bytes([fin << 7 | rsv << 4 | opcode, (key is not None) << 7 | short])
    head += b"" if form == 7 else length.to_bytes(form // 8, "big")
    return head + (payload if key is None else key + unmask(payload, key))


def close(code, reason=b"", **options):
    return frame(8, code.to_bytes(2, "big") + reason, **options)


def deflated(data, encoder=None):
    encoder = encoder or zlib.compressobj(wbits=-15)
    return (encoder.compress(data) + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4]


def tree(data, pieces=None, **options):
    dissecting = dissector(**options)
    for piece in pieces or [data]:
        dissecting.feed(piece)
    return dissecting.end()


def pieces(data, cuts):
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def every_field(field):
    for each in field.walk():
        yield each
        if each.buffer is not None:
            yield from every_field(each.buffer.root)


def assert_tiles(root, size):
    """Children tile their parents to the bit, roots their bytes, in derived buffers too."""
    assert (root.start, root.stop) == (0, size * 8)
    for field in root.walk():
        assert 0 <= field.start <= field.stop <= size * 8
        if field.children:
            assert field.children[0].start == field.start
            assert field.children[-1].stop == field.stop
            for left, right in itertools.pairwise(field.children):
                assert left.stop == right.start
        if field.buffer is not None:
            assert_tiles(field.buffer.root, len(field.buffer.data))


def leaves(field):
    return [(f.name, f.stop - f.start, f.value) for f in field.walk() if not f.children]


def wrongs(root):
    return [(f.name, f.start, f.reference) for f in root.errors]


# ── what the tree says ──


def test_the_rfc_s_masked_hello_bit_by_bit():
    root = tree(bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), sender="client")
    (only,) = root.children
    assert only.value == "text, 5 bytes"
    assert leaves(only) == [
        ("FIN", 1, 1),
        ("RSV1", 1, 0),
        ("RSV2", 1, 0),
        ("RSV3", 1, 0),
        ("opcode", 4, 1),
        ("MASK", 1, 1),
        ("payload length", 7, 5),
        ("masking key", 32, KEY),
        ("payload", 40, bytes.fromhex("7f9f4d5158")),
    ]
    unmasked = only.find("payload").buffer
    assert (unmasked.name, unmasked.data, unmasked.root.value) == ("unmasked", b"Hello", "Hello")
    assert root.errors == []
    assert_tiles(root, 11)


@pytest.mark.parametrize(
    ("hexed", "summary", "leaf"),
    [
        ("81 05 48 65 6c 6c 6f", "text, 5 bytes", ("payload", 40, "Hello")),
        ("01 03 48 65 6c", "text, 3 bytes, no FIN", ("payload", 24, "Hel")),
        ("89 05 48 65 6c 6c 6f", "ping, 5 bytes", ("payload", 40, b"Hello")),
        ("8a 00", "pong", ("payload", 0, b"")),
        ("82 01 ff", "binary, 1 byte", ("payload", 8, b"\xff")),
        ("88 00", "close", ("payload", 0, b"")),
        ("88 02 03 e8", "close 1000", ("close code", 16, 1000)),
        ("88 05 03 e9 62 79 65", "close 1001", ("reason", 24, "bye")),
    ],
)
def test_single_frames_of_a_server(hexed, summary, leaf):
    root = tree(bytes.fromhex(hexed), sender="server")
    assert root.children[0].value == summary
    assert leaves(root)[-1] == leaf
    assert root.errors == []


def test_the_rfc_s_fragments_are_joined_where_the_last_one_ends():
    root = tree(bytes.fromhex("01 03 48 65 6c  89 00  80 02 6c 6f"), sender="server")
    first, _, last = root.children
    assert [f.value for f in root.children] == [
        "text, 3 bytes, no FIN",
        "ping",
        "continuation, 2 bytes, FIN",
    ]
    assert first.find("payload").value == "Hel" and first.find("payload").buffer is None
    payload = last.find("payload")
    assert payload.value == "lo"
    assert payload.buffer.name == "message" and payload.buffer.data == b"Hello"
    assert payload.buffer.root.value == "Hello"
    assert root.errors == []


def test_masked_fragments_are_joined_unmasked():
    data = frame(2, b"ab", fin=0, key=KEY) + frame(0, b"", fin=0, key=KEY) + frame(0, b"c", key=KEY)
    root = tree(data, sender="client")
    unmasked = root.children[-1].find("payload").buffer
    assert unmasked.name == "unmasked" and unmasked.data == b"c"
    assert unmasked.root.buffer.name == "message" and unmasked.root.buffer.data == b"abc"


@pytest.mark.parametrize(
    ("size", "header", "form"),
    [(0, 2, 0), (125, 2, 0), (126, 4, 16), (65_535, 4, 16), (65_536, 10, 64)],
)
@pytest.mark.parametrize("key", [None, KEY])
def test_lengths_around_each_form(size, header, form, key):
    data = frame(2, bytes(size), key=key)
    root = tree(data)
    extended = root.find("extended payload length")
    assert (extended.stop - extended.start if extended else 0) == form
    payload = root.find("payload")
    assert (payload.start, payload.stop) == ((header + 4 * bool(key)) * 8, len(data) * 8)
    assert root.errors == []


def test_a_character_may_be_cut_in_two_between_fragments():
    euro = "€".encode()
    root = tree(frame(1, b"5 " + euro[:1], fin=0) + frame(0, euro[1:2], fin=0) + frame(0, euro[2:]))
    assert [f.find("payload").value for f in root.children] == ["5 ", "", "€"]
    assert root.children[-1].find("payload").buffer.root.value == "5 €"
    assert root.errors == []


def test_a_masked_close_has_its_code_and_reason_in_the_unmasked_bytes():
    root = tree(close(4001, "schön".encode(), key=KEY), sender="client")
    assert root.children[0].value == "close 4001"
    code, reason = root.find("payload").buffer.root.children
    assert (code.name, code.start, code.stop, code.value) == ("close code", 0, 16, 4001)
    assert (reason.name, reason.start, reason.value) == ("reason", 16, "schön")
    assert root.errors == []


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
def test_close_codes_that_may_be_sent(code):
    assert tree(close(code)).errors == []


def test_every_field_has_a_note_and_a_clause():
    data = close(1000, b"bye", key=KEY) + frame(1, b"\xff") + frame(2, bytes(126), fin=0)
    data += frame(0, b"a") + frame(1, deflated(b"a"), rsv=4)
    for field in every_field(tree(data, deflate=True)):
        if field.name != "stream":
            assert field.note and field.reference, field
    assert all(note and clause.startswith("RFC ") for note, clause in REMARKS.values())


# ── compression ──


@pytest.mark.parametrize(
    "payload",
    [
        "f2 48 cd c9 c9 07 00",  # RFC 7692 §7.2.3.1
        "f3 48 cd c9 c9 07 00 00",  # §7.2.3.4: a block with BFINAL set
        "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",  # §7.2.3.5: two blocks
        "00 05 00 fa ff 48 65 6c 6c 6f 00",  # §7.2.3.3: not compressed
    ],
)
@pytest.mark.parametrize("takeover", [True, False])
def test_the_rfc_s_compressed_hellos(payload, takeover):
    data = frame(1, bytes.fromhex(payload), rsv=4, key=KEY) * 2
    root = tree(data, deflate=True, takeover=takeover)
    for each in root.children:
        inflated = each.find("payload").buffer.root.buffer
        assert (inflated.name, inflated.data, inflated.root.value) == (
            "inflated",
            b"Hello",
            "Hello",
        )
    assert root.errors == []


def test_the_rfc_s_compressed_fragments_and_a_window_taken_over():
    first = frame(1, bytes.fromhex("f248cd"), rsv=4, fin=0) + frame(9)
    first += frame(0, bytes.fromhex("c9c90700"))
    again = frame(1, bytes.fromhex("f200110000"), rsv=4)  # §7.2.3.2: refers to the first
    root = tree(first + again, deflate=True)
    message = root.children[2].find("payload").buffer
    assert message.name == "message" and message.root.buffer.root.value == "Hello"
    assert root.children[3].find("payload").buffer.root.value == "Hello"
    assert root.errors == []
    (wrong,) = tree(first + again, deflate=True, takeover=False).errors
    assert wrong.reference == "RFC 7692 §7.2.2" and "too far back" in wrong.error


def test_the_window_outlives_a_final_block():
    encoder = zlib.compressobj(wbits=-15)
    text = bytes(random.Random(1).randbytes(300))
    final = encoder.compress(text) + encoder.flush(zlib.Z_FINISH) + b"\x00"
    later = deflated(text, zlib.compressobj(wbits=-15, zdict=text))
    assert len(later) < 50
    root = tree(frame(2, final, rsv=4) + frame(2, later, rsv=4), deflate=True)
    assert [f.find("payload").buffer.data for f in root.children] == [text, text]
    assert root.errors == []


def test_a_bomb_is_inflated_no_further_than_the_limit():
    bomb = deflated(bytes(inflate.MESSAGE_LIMIT + 1))
    root = tree(frame(2, bomb, rsv=4) + frame(2, deflated(b"a"), rsv=4), deflate=True)
    assert len(root.find("payload").buffer.data) == inflate.MESSAGE_LIMIT
    first, after = root.errors
    assert first.reference == "RFC 6455 §10.4" and "16,777,216" in first.error
    assert "earlier message" in after.error
    exact = frame(2, deflated(bytes(inflate.MESSAGE_LIMIT)), rsv=4)
    assert tree(exact, deflate=True).errors == []


def test_many_bombs_do_not_add_up(monkeypatch):
    monkeypatch.setattr(inflate, "STREAM_LIMIT", 2**20)
    bomb = frame(2, deflated(bytes(2**19)), rsv=4)
    root = tree(bomb * 20, deflate=True, takeover=False)
    assert sum(len(f.find("payload").buffer.data) for f in root.children) < 2 * 2**20
    assert {f.reference for f in root.errors} == {"RFC 6455 §10.4"}
    assert root.children[0].errors == []


def test_thousands_of_final_blocks_take_linear_time():
    assert tree(frame(2, b"\x03\x00" * 20_000 + b"\x00", rsv=4), deflate=True).errors == []


# ── a window that was agreed ──


@pytest.mark.parametrize("bits", range(8, 15))
@pytest.mark.parametrize("takeover", [True, False])
def test_who_refers_back_further_than_the_window_is_found_out(bits, takeover):
    for distance in (2**bits, 2**bits + 2**bits // 16):
        text = random.Random(bits).randbytes(distance)
        encoder = zlib.compressobj(wbits=-15)
        # In blocks of their own, or the reference would be left out: random bytes are stored.
        first, again = deflated(text, encoder), deflated(text[:20], encoder)
        messages, packed = [text, text[:20]], [first, again]
        if not takeover:
            messages, packed = [text + text[:20]], [first + b"\0\0\xff\xff" + again]
        data = b"".join(frame(2, each, rsv=4) for each in packed)
        root = tree(data * 2, deflate=True, takeover=takeover, window_bits=bits)
        assert [f.find("payload").buffer.data for f in root.children] == messages * 2
        short = 0 if distance == 2**bits else 2
        assert len(root.errors) == short
        last = len(messages) - 1  # it is the one that goes back
        wrong = [f.find("payload") for f in root.children[last :: len(messages)]]
        assert [each.error for each in wrong if each.error] == [
            f"refers back further than the {2**bits:,} bytes that were agreed"
        ] * short
        assert {each.reference for each in root.errors} <= {"RFC 7692 §7.1.2"}


def test_a_final_block_does_not_hide_how_far_back_the_next_one_goes():
    text = random.Random(2).randbytes(600)
    encoder = zlib.compressobj(wbits=-15)
    final = encoder.compress(text) + encoder.flush(zlib.Z_FINISH)
    message = frame(2, final + deflated(text[:20], zlib.compressobj(wbits=-15, zdict=text)), rsv=4)
    assert tree(message, deflate=True, window_bits=10).errors == []
    (wrong,) = tree(message, deflate=True, window_bits=9).errors
    assert "further than the 512 bytes" in wrong.error
    assert wrong.buffer.data == text + text[:20]


def test_a_bomb_in_a_small_window_is_inflated_no_further_than_the_limit(monkeypatch):
    monkeypatch.setattr(inflate, "MESSAGE_LIMIT", 2**18)
    data = frame(2, deflated(bytes(2**18 + 1)), rsv=4)
    (wrong,) = tree(data, deflate=True, window_bits=8).errors
    assert wrong.reference == "RFC 6455 §10.4"


@settings(deadline=None)
@given(
    st.integers(9, 15),
    st.integers(9, 15),
    st.booleans(),
    st.lists(st.sampled_from([3, 40, 250, 600, 3000, 20_000]), max_size=6),
    st.integers(0, 9),
)
def test_a_window_is_judged_as_the_peers_judge_it(kept, agreed, takeover, sizes, seed):
    rng = random.Random(seed)
    source = rng.randbytes(20_000)
    contents = [source[: rng.choice(sizes)] + source[-size:] for size in sizes]
    data, encoder = b"", zlib.compressobj(wbits=-kept)
    for content in contents:
        data += frame(2, deflated(content, encoder), rsv=4)
        encoder = encoder if takeover else zlib.compressobj(wbits=-kept)
    root = tree(data, sender="server", deflate=True, takeover=takeover, window_bits=agreed)
    assert [f.find("payload").buffer.data for f in root.children] == contents
    assert {f.reference for f in root.errors} <= {"RFC 7692 §7.1.2.1"}
    for says in (websockets_says, wsproto_says):
        _, complaint = says(data, "server", True, takeover, agreed)
        # They notice only what lies before the message, or before what zlib put out at once.
        assert root.errors or complaint is None
    if kept <= agreed:
        assert root.errors == []


# ── violations ──

HELLO = frame(1, b"Hello")
LENGTH = "extended payload length"
ZIP = {"deflate": True}
VIOLATIONS = {
    "16 bits for 125": (frame(2, bytes(125), form=16), {}, LENGTH, 16, "6455 §5.2"),
    "64 bits for 65,535": (frame(2, bytes(65_535), form=64), {}, LENGTH, 16, "6455 §5.2"),
    "a ping's 5 in 16 bits": (frame(9, b"Hello", form=16), {}, LENGTH, 16, "6455 §5.2"),
    "RSV1 alone": (frame(1, b"\xff", rsv=4), {}, "RSV1", 1, "6455 §5.2"),
    "RSV2": (frame(1, rsv=2), ZIP, "RSV2", 2, "6455 §5.2"),
    "RSV3": (frame(1, rsv=1), ZIP, "RSV3", 3, "6455 §5.2"),
    "RSV1 on a ping": (frame(9, rsv=4), ZIP, "RSV1", 1, "7692 §6"),
    "RSV1 on a continuation": (
        frame(2, fin=0) + frame(0, rsv=4), ZIP, "RSV1", 17, "7692 §6",
    ),
    "opcode 3": (HELLO + frame(3), {}, "opcode", 60, "6455 §5.2"),
    "opcode 15": (frame(15), {}, "opcode", 4, "6455 §5.2"),
    "fragmented ping": (frame(9, fin=0), {}, "FIN", 0, "6455 §5.5"),
    "ping of 126": (frame(9, bytes(126)), {}, "payload length", 9, "6455 §5.5"),
    "client, unmasked": (HELLO, {"sender": "client"}, "MASK", 8, "6455 §5.1"),
    "server, masked": (frame(1, b"Hello", key=KEY), {"sender": "server"}, "MASK", 8, "6455 §5.1"),
    "nothing to continue": (frame(0, b"a"), {}, "opcode", 4, "6455 §5.4"),
    "continued after the end": (HELLO + frame(0, b"a"), {}, "opcode", 60, "6455 §5.4"),
    "a message within another": (frame(1, fin=0) + frame(2), {}, "opcode", 20, "6455 §5.4"),
    "no UTF-8": (frame(1, b"ab\xffc"), {}, "not UTF-8", 32, "6455 §8.1"),
    "no UTF-8, masked": (frame(1, b"ab\xffc", key=KEY), {}, "not UTF-8", 16, "6455 §8.1"),
    "a third byte missing": (frame(1, b"\xe2\x82a"), {}, "not UTF-8", 32, "6455 §8.1"),
    "overlong": (frame(1, b"\xc0\xaf"), {}, "not UTF-8", 16, "6455 §8.1"),
    "a surrogate": (frame(1, b"\xed\xa0\x80"), {}, "not UTF-8", 24, "6455 §8.1"),
    "beyond U+10FFFF": (frame(1, b"\xf4\x90\x80\x80"), {}, "not UTF-8", 24, "6455 §8.1"),
    "ends within a character": (frame(1, b"a\xe2\x82"), {}, "not UTF-8", 24, "6455 §8.1"),
    "no UTF-8 across fragments": (
        frame(1, b"\xe2", fin=0) + frame(0, b"\x82", fin=0) + frame(0, b"a\xac"),
        {}, "not UTF-8", 64, "6455 §8.1",
    ),
    "no UTF-8 before the last fragment": (
        frame(1, b"\xff", fin=0) + frame(0, b"\xff"), {}, "not UTF-8", 16, "6455 §8.1",
    ),
    "a surrogate that has only begun": (
        frame(1, b"\xed", fin=0) + frame(0, b"\xa0", fin=0), {}, "not UTF-8", 40, "6455 §8.1",
    ),
    "a last fragment of nothing": (
        frame(1, b"\xe2", fin=0) + frame(0, b""), {}, "not UTF-8", 40, "6455 §8.1",
    ),
    "no UTF-8, compressed": (
        frame(1, deflated(b"abc\xff"), rsv=4), ZIP, "not UTF-8", 24, "6455 §8.1",
    ),
    "close of 1 byte": (frame(8, b"\x03"), {}, "close code", 16, "6455 §5.5.1"),
    "reason not UTF-8": (close(1000, b"a\xff"), {}, "not UTF-8", 40, "6455 §8.1"),
    "reason cut": (close(1000, b"\xc3", key=KEY), {}, "not UTF-8", 16, "6455 §8.1"),
    "text after close": (close(1000) + HELLO, {}, "frame", 32, "6455 §5.5.1"),
    "no DEFLATE": (frame(2, b"\xff\xff", rsv=4), ZIP, "payload", 16, "7692 §7.2.2"),
    "DEFLATE cut": (frame(2, deflated(bytes(500))[:-2], rsv=4), ZIP, "payload", 16, "7692 §7.2.1"),
    "DEFLATE with its tail": (
        frame(2, deflated(b"abc") + b"\0\0\xff\xff", rsv=4), ZIP, "payload", 16, "7692 §7.2.1",
    ),
    **{
        f"close {code}": (close(code), {}, "close code", 16, f"6455 {clause}")
        for clause, codes in {
            "§7.4.1": (1004, 1005, 1006, 1015),
            "§7.4.2": (0, 999, 1016, 2999, 5000, 65_535),
        }.items()
        for code in codes
    },
}  # fmt: skip


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_lies_where_it_is_and_parsing_goes_on(name):
    data, options, field, start, clause = VIOLATIONS[name]
    assert wrongs(tree(data, **options)) == [(field, start, "RFC " + clause)]
    root = tree(data + frame(10, b"on"), **options)
    assert wrongs(root)[0] == (field, start, "RFC " + clause)
    assert root.children[-1].value == "pong, 2 bytes"
    assert_tiles(root, len(data) + 4)


def test_the_text_before_the_first_bad_byte_is_shown():
    good, bad = tree(frame(1, "aé".encode() + b"\xe2\x82x\xff")).find("payload").children
    assert (good.name, good.value, good.stop - good.start) == ("text", "aé", 5 * 8)
    assert (bad.value, bad.error) == (b"x\xff", "0x78 cannot stand here")


@pytest.mark.parametrize("after", [frame(9), frame(10), close(1000)])
def test_control_frames_after_close_are_no_data(after):
    assert tree(close(1000) + after).errors == []


def test_a_close_between_fragments_is_allowed_but_nothing_may_follow():
    root = tree(frame(1, b"a", fin=0) + close(1000))
    assert root.errors == []


def test_several_violations_in_one_frame_are_all_found():
    data = frame(11, b"", fin=0, rsv=7, key=KEY)
    assert [name for name, _, _ in wrongs(tree(data, sender="server"))] == [
        "FIN", "RSV1", "RSV2", "RSV3", "opcode", "MASK",
    ]  # fmt: skip


# ── cut off, absurd ──


@pytest.mark.parametrize(
    ("hexed", "name", "missing"),
    [
        ("81", "MASK", 1),
        ("81 fe 01", "extended payload length", 8),
        ("81 7f 00", "extended payload length", 56),
        ("81 85 37 fa", "masking key", 16),
        ("81 85 37 fa 21 3d", "payload", 40),
        ("81 05 48 65 6c", "payload", 16),
        ("88 05 03 e8 62", "payload", 16),
    ],
)
def test_cut_off_input_says_how_many_bits_are_missing(hexed, name, missing):
    data = bytes.fromhex(hexed)
    root = tree(data)
    (wrong,) = root.errors
    assert (wrong.name, wrong.error) == (name, cut_off(missing))
    assert_tiles(root, len(data))


def test_what_came_of_a_payload_is_shown():
    payload = tree(frame(1, "Héllo".encode(), key=KEY)[:8]).find("payload")
    assert payload.buffer.data == b"H\xc3" and payload.buffer.root.value == "H"
    cut_within_a_character = tree(frame(1, b"a", fin=0) + frame(0, "bé".encode())[:-1])
    assert cut_within_a_character.children[1].find("payload").value == "b"
    assert [f.name for f in cut_within_a_character.errors] == ["payload"]
    reason = tree(close(1000, "né".encode())[:-1]).find("reason")
    assert (reason.value, reason.error, reason.children) == ("n", "", ())
    code, reason = tree(close(1001, b"bye")[:-1]).find("payload").children
    assert (code.value, reason.value) == (1001, "by")
    assert wrongs(tree(frame(1, b"a\xff", length=9))) == [
        ("payload", 16, "RFC 6455 §5.2, §5.6"), ("not UTF-8", 24, "RFC 6455 §8.1"),
    ]  # fmt: skip


@pytest.mark.parametrize("length", [2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_an_absurd_length_costs_nothing(length):
    data = frame(2, b"", length=length, key=KEY) + bytes(10)
    tracemalloc.start()
    root = tree(data, pieces(data, range(len(data))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000
    assert root.find("payload").error == f"cut off: {(length - 10) * 8} bits are missing"
    extended = root.find("extended payload length")
    assert (extended.error == "the most significant bit must be 0") == (length >= 2**63)


# ── properties ──

OPTIONS = st.fixed_dictionaries(
    {
        "sender": st.sampled_from([None, "client", "server"]),
        "deflate": st.booleans(),
        "takeover": st.booleans(),
        "window_bits": st.integers(8, 15),
    }
)
TEXTS = st.text(max_size=40).map(str.encode)
PAYLOADS = (
    TEXTS
    | st.binary(max_size=40)
    | (TEXTS | st.binary(max_size=40)).map(deflated)
    | st.sampled_from([125, 126, 127, 300]).map(bytes)
    | st.builds(lambda code, reason: code.to_bytes(2, "big") + reason,
                st.sampled_from([1000, 1001, 1005, 1012, 1016, 3000, 4999, 5000]), TEXTS)
    | st.sampled_from([b"\xe2", b"\x82\xac", b"\xed\xa0", b"\x00"])
)  # fmt: skip
FRAMES = st.builds(
    frame,
    st.sampled_from([0, 0, 1, 1, 1, 2, 2, 3, 8, 9, 10, 11]),
    PAYLOADS,
    fin=st.sampled_from([1, 1, 0]),
    rsv=st.sampled_from([0, 0, 0, 0, 4, 4, 2, 1]),
    key=st.none() | st.just(KEY) | st.binary(min_size=4, max_size=4),
    form=st.none(),
) | st.builds(frame, st.just(2), st.binary(max_size=9), form=st.sampled_from([16, 64]))
STREAMS = st.lists(FRAMES, max_size=6).map(b"".join)


@st.composite
def mutated(draw):
    data = bytearray(draw(STREAMS))
    for place, byte in draw(
        st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4)
    ):
        if data:
            data[place % len(data)] = byte
    return bytes(data[: draw(st.integers(0, 600))])


ANY = st.binary(max_size=200) | STREAMS | mutated()


@settings(deadline=None)
@given(ANY, OPTIONS)
def test_any_bytes_give_a_tree_that_tiles_them(data, options):
    assert_tiles(tree(data, **options), len(data))


@settings(deadline=None)
@given(ANY, OPTIONS, st.lists(st.integers(0, 500), max_size=8))
def test_the_tree_is_the_same_however_the_bytes_come(data, options, cuts):
    whole = tree(data, **options).as_tuple()
    assert tree(data, pieces(data, range(len(data))), **options).as_tuple() == whole
    assert tree(data, pieces(data, cuts), **options).as_tuple() == whole


@settings(deadline=None)
@given(STREAMS, ANY, OPTIONS)
def test_what_follows_does_not_change_what_came_before(data, more, options):
    before = tree(data, **options)
    after = tree(data + more, **options)
    assert [f.as_tuple() for f in before.children] == [
        f.as_tuple() for f in after.children[: len(before.children)]
    ]


@settings(deadline=None)
@given(st.binary(max_size=9000), st.binary(min_size=4, max_size=4))
@example(bytes(4095), KEY)
@example(bytes(range(256)) * 16 + b"a", KEY)
def test_unmasking_is_xor_byte_by_byte_and_undoes_itself(data, key):
    assert unmask(data, key) == bytes(byte ^ key[i % 4] for i, byte in enumerate(data))
    assert unmask(unmask(data, key), key) == data


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (lambda n: frame(1, b"a" * n, key=KEY), 1),
        (lambda n: frame(1, b"a" * 20, key=KEY) * (n // 26), 1),
        (lambda n: frame(1, b"a", fin=0) + frame(0, b"a", fin=0) * (n // 3) + frame(0), 2**20),
        (lambda n: frame(1, b"\xe2\x82", fin=0) + frame(0, b"", fin=0) * (n // 2), 2**20),
        (lambda n: frame(2, b"\x03\x00" * (n // 2), rsv=4), 2**20),
        (lambda n: frame(2, deflated(bytes(n * 10)), rsv=4), 2**20),
        (lambda n: frame(2, deflated(b"a"), rsv=4) * (n // 5), 2**20),
        (lambda n: frame(2, b"", length=2**60) + bytes(n), 1),
    ],
    ids=[
        *("one frame by bytes", "frames by bytes", "fragments", "begun", "final blocks"),
        *("bomb", "compressed", "absurd"),
    ],
)
def test_time_is_linear_in_the_bytes(make, size):
    few, many = make(5_000), make(40_000)
    pieces_of = [[data[i : i + size] for i in range(0, len(data), size)] for data in (few, many)]
    assert growth(lambda: dissector(deflate=True, window_bits=9), *pieces_of) < LINEAR


# ── others ──


def said(root, data):
    """What a tree says was sent: messages, and control frames, in the order they end."""
    kinds = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
    begun = None
    for each in root.children:
        fin, opcode = each.children[0].value, each.children[4].value
        payload = each.find("payload")
        content = data[payload.start // 8 : payload.stop // 8]
        while payload.buffer is not None:
            content, payload = payload.buffer.data, payload.buffer.root
        if opcode in (1, 2):
            begun = opcode
        if opcode in (8, 9, 10):
            yield kinds[opcode], content
        elif fin:
            yield kinds[begun], content


def websockets_says(data, sender, deflate, takeover, bits=15):
    """Return what ``websockets`` takes of a stream, and its complaint, if there is one."""
    extension = PerMessageDeflate(not takeover, False, bits, 15)
    protocol = Protocol(
        SERVER if sender == "client" else CLIENT,
        state=OPEN,
        max_size=None,
        logger=logging.getLogger("quiet"),
    )
    protocol.extensions = [extension] if deflate else []
    protocol.receive_data(data)
    messages, opcode, parts = [], None, []
    for each in protocol.events_received():
        if each.opcode >= 8:
            messages.append((each.opcode.name.lower(), bytes(each.data)))
            continue
        opcode, parts = (each.opcode, []) if each.opcode else (opcode, parts)
        parts.append(bytes(each.data))
        if each.fin:
            messages.append((opcode.name.lower(), b"".join(parts)))
    return messages, protocol.parser_exc


def wsproto_says(data, sender, deflate, takeover, bits=15):
    """Return what ``wsproto`` takes of a stream, and its complaint, if there is one."""
    extension = WsprotoDeflate(not takeover, bits, not takeover, bits)
    extension._enabled = deflate
    protocol = FrameProtocol(sender == "server", [extension])
    protocol.receive_bytes(data)
    messages, parts = [], []
    try:
        for each in protocol.received_frames():
            name = each.opcode.name.lower()
            if name == "close":
                code, reason = each.payload
                parts = b"" if code == 1005 else int(code).to_bytes(2, "big") + reason.encode()
                messages.append((name, parts))
            elif name in ("ping", "pong"):
                messages.append((name, bytes(each.payload)))
            else:
                parts.append(each.payload)
                if each.message_finished:
                    whole = type(each.payload)().join(parts)
                    messages.append((name, whole.encode() if name == "text" else whole))
                    parts = []
    except ParseFailed as error:
        return messages, error
    return messages, None


# Where they and we disagree, and the clause that decides. Each is shown to be so, below.
UTF8 = frame(1, b"\xff")
LONG = frame(2, b"Hello", form=16)
MIDDLE = frame(1, b"a", fin=0) + close(1000)
AFTER = close(1000) + HELLO
INTERRUPTED = (
    frame(1, bytes.fromhex("f248cd"), rsv=4, fin=0) + frame(9) + frame(0, bytes.fromhex("c9c90700"))
)
BLOCK = frame(2, deflated(bytes(500))[:-2], rsv=4)
FINAL = frame(1, bytes.fromhex("f348cdc9c9070000"), rsv=4) * 2
SURROGATE = frame(1, b"\xed\xa0", fin=0)
DISAGREEMENTS = [
    # who, bytes, deflate, do they object, do we, the clause that decides
    (websockets_says, LONG, False, False, True, "RFC 6455 §5.2 binds the sender to the shortest"),
    (websockets_says, UTF8, False, False, True, "§8.1; checked in a layer above its Protocol"),
    (websockets_says, MIDDLE, False, True, False, "§5.4: control frames MAY come in the middle"),
    (websockets_says, AFTER, False, False, True, "§5.5.1 binds the sender; §1.4: it is discarded"),
    (wsproto_says, AFTER, False, False, True, "§5.5.1, the same"),
    (websockets_says, BLOCK, True, False, True, "RFC 7692 §7.2.1: whole blocks, then the tail"),
    (wsproto_says, BLOCK, True, False, True, "RFC 7692 §7.2.1"),
    (wsproto_says, SURROGATE, False, False, True, "RFC 3629 §3: no character begins so"),
]


@pytest.mark.parametrize(("who", "data", "deflate", "they", "we", "clause"), DISAGREEMENTS)
def test_known_disagreements_are_still_so(who, data, deflate, they, we, clause):
    _, complaint = who(data, "server", deflate, True)
    assert (complaint is not None) == they
    assert bool(tree(data, sender="server", deflate=deflate).errors) == we


def test_known_disagreements_on_values_are_still_so():
    # RFC 6455 §5.4, RFC 7692 §6: a ping within a compressed message does not end it.
    assert wsproto_says(INTERRUPTED, "server", True, True)[0] != [("ping", b""), ("text", b"Hello")]
    assert list(said(tree(INTERRUPTED, deflate=True), INTERRUPTED)) == [
        ("ping", b""), ("text", b"Hello"),
    ]  # fmt: skip
    # RFC 7692 §7.2.3.4: a block with BFINAL set is no end of the stream; the next message is lost.
    for says in (websockets_says, wsproto_says):
        assert says(FINAL, "server", True, True)[0][1:] != [("text", b"Hello")]
    assert list(said(tree(FINAL, deflate=True), FINAL)) == [("text", b"Hello")] * 2


@st.composite
def valid(draw):
    """Traffic that keeps to the rules: messages in fragments, control frames between them."""
    sender, deflate = draw(st.sampled_from(["client", "server"])), draw(st.booleans())
    takeover = draw(st.booleans())
    key = draw(st.binary(min_size=4, max_size=4)) if sender == "client" else None
    data, messages, encoder = b"", [], zlib.compressobj(wbits=-15)
    controls = st.lists(st.tuples(st.sampled_from([9, 10]), st.binary(max_size=125)), max_size=1)
    for kind in draw(st.lists(st.sampled_from([1, 2]), max_size=5)):
        content = draw(TEXTS if kind == 1 else st.binary(max_size=300))
        packed = deflate and draw(st.booleans())
        if packed and not takeover:
            encoder = zlib.compressobj(wbits=-15)
        parts = deflated(content, encoder) if packed else content
        parts = pieces(parts, draw(st.lists(st.integers(0, 300), max_size=3))) or [b""]
        for number, part in enumerate(parts):
            fin, first = number == len(parts) - 1, number == 0
            data += frame(kind * first, part, fin=fin, rsv=4 * (packed and first), key=key)
            # Between compressed fragments wsproto loses its way: see above.
            for opcode, about in draw(controls) if fin or not packed else ():
                name = {9: "ping", 10: "pong"}[opcode]
                data += frame(opcode, about, key=key)
                messages.append((len(data), name, about))
            if fin:
                messages.append((len(data), {1: "text", 2: "binary"}[kind], content))
    return data, sender, deflate, takeover, [m[1:] for m in messages]


@settings(deadline=None)
@given(valid())
def test_valid_traffic_is_read_alike_by_all(traffic):
    data, sender, deflate, takeover, messages = traffic
    root = tree(data, sender=sender, deflate=deflate, takeover=takeover)
    assert root.errors == []
    ours = list(said(root, data))
    assert sorted(ours) == sorted(messages)
    for says in (websockets_says, wsproto_says):
        assert says(data, sender, deflate, takeover) == (ours, None)


def settled(root, theirs):
    """Return how many frames count, and whether there is an objection: what they would judge."""
    open_message = False
    for number, each in enumerate(root.children):
        fin, opcode = each.children[0].value, each.children[4].value
        found = {(f.name, f.reference): f for f in each.errors}
        if theirs is websockets_says:
            found.pop(("extended payload length", "RFC 6455 §5.2"), None)
            if opcode < 8:
                found.pop(("not UTF-8", "RFC 6455 §8.1"), None)
            if opcode == 8 and open_message:
                return number, True
        if found:
            return number, True
        if opcode == 8:
            return number + 1, False
        if opcode < 8:
            open_message = not fin
    return len(root.children), False


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAMES, max_size=6), st.sampled_from(["client", "server"]))
def test_hostile_traffic_is_judged_alike(frames, sender):
    data = b"".join(frames)
    for says in (websockets_says, wsproto_says):
        if says is wsproto_says and b"\xed" in data:
            continue  # a surrogate that has only begun: see above
        root = tree(data, sender=sender)
        number, objection = settled(root, says)
        messages, complaint = says(data, sender, False, True)
        assert (complaint is not None) == objection, (complaint, root.errors)
        before = Field("stream", 0, root.stop)
        before.add(*root.children[:number])
        assert messages == list(said(before, data))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=60)), max_size=4),
    st.booleans(),
    st.integers(0, 400),
    st.integers(0, 255),
)
def test_damaged_compression_is_judged_alike(sent, takeover, place, byte):
    encoder, frames = zlib.compressobj(wbits=-15), []
    for kind, content in sent:
        encoder = encoder if takeover else zlib.compressobj(wbits=-15)
        frames.append([kind, bytearray(deflated(content, encoder))])
    if frames:
        damaged = frames[place % len(frames)][1]
        damaged[place % len(damaged)] = byte
    data = b"".join(frame(kind, bytes(content), rsv=4) for kind, content in frames)
    root = tree(data, sender="server", deflate=True, takeover=takeover)
    theirs, complaint = websockets_says(data, "server", True, takeover)
    decoder = zlib.decompressobj(-15)
    for number, (each, (_, content)) in enumerate(zip(root.children, frames, strict=True)):
        decoder = decoder if takeover else zlib.decompressobj(-15)
        errors = [f.reference for f in each.errors if f.name != "not UTF-8"]
        try:
            decoder.decompress(content + b"\0\0\xff\xff")
        except zlib.error:
            assert errors == ["RFC 7692 §7.2.2"] and complaint is not None
            return
        if decoder.eof or errors == ["RFC 7692 §7.2.1"]:
            return  # a final block, or within one: see above
        assert errors == []
        assert theirs[number][1] == each.find("payload").buffer.data
    assert complaint is None


def test_websockets_writes_what_we_read():
    for opcode in (websockets.frames.Opcode.TEXT, websockets.frames.Opcode.PING):
        for mask in (True, False):
            data = websockets.frames.Frame(opcode, b"Hello").serialize(mask=mask)
            root = tree(data, sender="client" if mask else "server")
            assert root.errors == []
            assert [content for _, content in said(root, data)] == [b"Hello"]
