"""Field blocks: the examples of RFC 7541, and the hpack library as a second reader."""

import hpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rtlab.dissect.http2_hpack import FieldBlocks
from tests.dissect.helpers import assert_tiled

A, B = ":authority", "www.example.com"
DATE = ("date", "Mon, 21 Oct 2013 20:13:21 GMT")
LOCATION = ("location", "https://www.example.com")
REQUESTS = [
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (A, B)],
    [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (A, B),
        ("cache-control", "no-cache"),
    ],
    [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/index.html"),
        (A, B),
        ("custom-key", "custom-value"),
    ],
]
RESPONSES = [
    [(":status", "302"), ("cache-control", "private"), DATE, LOCATION],
    [(":status", "307"), ("cache-control", "private"), DATE, LOCATION],
    [
        (":status", "200"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
        LOCATION,
        ("content-encoding", "gzip"),
        ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
    ],
]
EXAMPLES = {  # RFC 7541 Appendix C: requests and responses, plain and in Huffman's code
    "C.3": (
        REQUESTS,
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ),
    "C.4": (
        REQUESTS,
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ),
    "C.6": (
        RESPONSES,
        # The table of these examples has 256 bytes; that is said here, at the beginning.
        "3fe101 488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad17"
        "1863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df"
        "dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ),
}


def read(blocks, data):
    root, lines = blocks.dissect(data)
    assert_tiled(root, len(data))
    return root, [(line.name, line.value) for line in lines if line.name is not None]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_rfc_s_examples(name):
    lists, *blocks = EXAMPLES[name]
    ours = FieldBlocks(4096)
    for fields, data in zip(lists, blocks, strict=True):
        root, found = read(ours, bytes.fromhex(data))
        assert found == fields and root.errors == []
        shown = [field.value for field in root.children if field.name != "table size update"]
        assert shown == fields


@pytest.mark.parametrize(
    ("hexed", "name", "value"),
    [
        ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", "literal, to be indexed",
         ("custom-key", "custom-header")),
        ("040c2f73616d706c652f70617468", "literal, not indexed", (":path", "/sample/path")),
        ("100870617373776f726406736563726574", "literal, never indexed", ("password", "secret")),
        ("82", "indexed field", (":method", "GET")),
        ("20", "table size update", 0),
    ],
)  # fmt: skip
def test_each_kind_of_instruction(hexed, name, value):
    root, _ = read(FieldBlocks(4096), bytes.fromhex(hexed))
    (only,) = root.children
    assert (only.name, only.value) == (name, value)
    assert root.errors == []


def test_a_literal_bit_by_bit():
    root, _ = read(FieldBlocks(4096), bytes.fromhex("4003612d62831ff51f"))
    assert [(f.name, f.stop - f.start, f.value) for f in root.walk() if not f.children] == [
        ("pattern", 2, 1),
        ("index", 6, 0),
        ("Huffman", 1, 0),
        ("string length", 7, 3),
        ("string", 24, "a-b"),
        ("Huffman", 1, 1),
        ("string length", 7, 3),
        ("string", 24, "a(b"),
    ]
    assert [f.value for f in root.children[0].children[2:]] == ["a-b", "a(b"]


def test_a_number_that_does_not_fit_its_prefix():
    root, _ = read(FieldBlocks(4096), bytes.fromhex("3f9a0a"))  # RFC 7541 §C.1.2, as a size
    size = root.find("size")
    assert size.value == 1337
    assert [(f.name, f.stop - f.start, f.value) for f in size.children] == [
        ("prefix", 5, 31),
        ("more", 1, 1),
        ("low bits", 7, 26),
        ("more", 1, 0),
        ("low bits", 7, 10),
    ]


VIOLATIONS = {
    "index 0": ("80", "index", "§6.1"),
    "an entry that is not there": ("be", "index", "§2.3.3"),
    "a name that is not there": ("7e0161", "index", "§2.3.3"),
    "a table too large": ("3fe21f", "size", "§6.3"),
    "a size in the middle": ("823f00", "table size update", "§4.2"),
    "EOS in Huffman's code": ("0084ffffffff0161", "string", "§5.2"),
    "padding with zeros": ("0081180161", "string", "§5.2"),
    "8 bits of padding": ("000161821fff", "string", "§5.2"),
    "a number that never ends": ("ff80808080808001", "index", "§5.1"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_lies_where_it_is(name):
    hexed, field, clause = VIOLATIONS[name]
    root, _ = read(FieldBlocks(4096), bytes.fromhex(hexed))
    assert [(f.name, f.reference) for f in root.errors] == [(field, "RFC 7541 " + clause)]


@pytest.mark.parametrize("hexed", ["40", "4001", "400161", "40016105", "ff", "7f80", "008f61"])
def test_an_instruction_that_ends_too_early(hexed):
    root, _ = read(FieldBlocks(4096), bytes.fromhex(hexed))
    (wrong,) = root.errors
    assert "cut off" in wrong.error


def test_after_an_error_the_table_is_not_known_but_what_needs_none_is_read():
    blocks = FieldBlocks(4096)
    read(blocks, bytes.fromhex("40016101624084ffffffff0163"))
    root, found = read(blocks, bytes.fromhex("82be4001640165"))
    assert found == [(":method", "GET"), ("d", "e")]
    (wrong,) = root.errors
    assert wrong.value is None and wrong.reference == "RFC 9113 §4.3"


def test_the_receiver_may_allow_a_larger_table():
    update = bytes.fromhex("3fe1ff03")  # 65,536
    assert read(FieldBlocks(4096), update)[0].errors != []
    assert read(FieldBlocks(65_536), update)[0].errors == []
    # A smaller one holds only from its acknowledgment on, and nobody sees here when that was.
    assert read(FieldBlocks(0), bytes.fromhex("3fe11f82"))[0].errors == []


NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
VALUES = st.binary(max_size=40).map(lambda data: data.decode("latin-1"))
FIELDS = st.tuples(
    NAMES | st.sampled_from([":path", "cookie", "date"]),
    VALUES | st.sampled_from(["", "/", "a" * 130, "ä" * 300]),
    st.booleans(),
)
BLOCKS = st.lists(
    st.tuples(st.lists(FIELDS, max_size=5), st.booleans(), st.none() | st.integers(0, 300)),
    max_size=5,
)


def encoded(blocks):
    encoder = hpack.Encoder()
    for fields, huffman, size in blocks:
        if size is not None:
            encoder.header_table_size = size
        yield encoder.encode([(a.encode(), b.encode("latin-1"), c) for a, b, c in fields], huffman)


@settings(deadline=None)
@given(BLOCKS)
def test_what_hpack_writes_is_read_alike(blocks):
    ours, theirs = FieldBlocks(4096), hpack.Decoder()
    for data, (fields, _, _) in zip(encoded(blocks), blocks, strict=True):
        root, found = read(ours, data)
        assert root.errors == []
        assert found == [(name, value) for name, value, _ in fields]
        decoded = theirs.decode(data, raw=True)
        assert found == [(n.decode("latin-1"), v.decode("latin-1")) for n, v in decoded]
        kinds = [f.name for f in root.children if f.name != "table size update"]
        secret = [kind == "literal, never indexed" for kind in kinds]
        assert secret == [isinstance(field, hpack.NeverIndexedHeaderTuple) for field in decoded]


@settings(max_examples=500, deadline=None)
@given(BLOCKS, st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=3))
@example([([("a", "b", False)], True, None)], [(0, 0x3F)])
def test_damaged_blocks_are_judged_alike(blocks, changes):
    ours, theirs = FieldBlocks(4096), hpack.Decoder()
    for data in map(bytearray, encoded(blocks)):
        for place, byte in changes:
            if data:
                data[place % len(data)] = byte
        root, found = read(ours, bytes(data))
        try:
            fields = theirs.decode(bytes(data), raw=True)
        except hpack.HPACKError:
            assert root.errors != []
            return
        assert root.errors == []
        assert found == [(n.decode("latin-1"), v.decode("latin-1")) for n, v in fields]


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_judged_alike(data):
    root, found = read(FieldBlocks(4096), data)
    try:
        fields = hpack.Decoder().decode(data, raw=True)
    except hpack.HPACKError:
        assert root.errors != []
    else:
        assert root.errors == []
        assert found == [(n.decode("latin-1"), v.decode("latin-1")) for n, v in fields]
