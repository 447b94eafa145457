"""Event streams in parts, against the standard word for word and against the lab's own decoder."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.dissect import sse
from rtlab.dissect.field import Field
from rtlab.transports.sse import Decoder, Event, encode
from tests.dissect.helpers import assert_tiled, cut, one_by_one
from tests.dissect.timing import EIGHTFOLD, LINEAR, growth

BOM = b"\xef\xbb\xbf"


def dissect(*pieces: bytes, **options: str) -> Field:
    dissector = sse.dissector(**options)
    for piece in pieces:
        dissector.feed(piece)
    return dissector.end()


def events(root: Field) -> list[Event]:
    """Return what comes out, in the shape of the lab's decoder."""
    found = []
    for field in root.walk():
        if field.buffer is not None:
            assert field.name == "blank line"
            event = field.buffer.root
            values = [event.find(name).value for name in ("data", "type", "last event id")]
            assert field.buffer.data.decode() == values[0]
            found.append(Event(*values))
    return found


def values(root: Field, name: str) -> list:
    return [field.value for field in root.walk() if field.name == name]


def parts(data: bytes) -> list[tuple]:
    """Return the names, bytes and values of the leaves."""
    return [
        (field.name, data[field.start // 8 : field.stop // 8], field.value)
        for field in dissect(data).walk()
        if not field.children and field.name != "stream"
    ]


# ── any bytes ──

lines = st.sampled_from(
    [
        *("data", "data:", "data: x", "data:  y", "data:a:b", "id: 1", "id", "id: a\0b", "id:  é"),
        *("event: tick", "event", "retry: 250", "retry: 2x", "retry:", "retry: ²", ":", ": note"),
        *("nonsense", "nonsense: z", "Data: no", " data: no", "\ufeffdata: bom", "", "", "", ""),
        *("data: \u2028\u2029\x85\x0b\x0c\x1c", "data: 🎈", "data :", "retry: 9" + "9" * 5000),
    ]
)
ends = st.sampled_from(["\n", "\r", "\r\n"])
streams = st.lists(st.tuples(lines, ends), max_size=30).map(
    lambda pairs: "".join(line + end for line, end in pairs).encode()
)
anything = st.one_of(
    streams,
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"\r", b"\n", b":", b" ", b"data", b"\xe2\x82", b"\xff"])).map(
        b"".join
    ),
    st.tuples(st.sampled_from([b"", BOM, BOM + BOM, BOM[:2]]), streams).map(b"".join),
    st.tuples(streams, st.binary(max_size=5), streams).map(b"".join),
)
places = st.lists(st.integers(0, 400))


types = st.none() | st.sampled_from(["tick", "lost"])


@st.composite
def mutated(draw) -> bytes:
    """What the lab sends, with some of its bytes changed, removed or doubled."""
    data = bytearray(b": welcome\nretry: 1000\n\n")
    for number in range(draw(st.integers(1, 4))):
        data += encode(draw(st.text(max_size=8)), id=str(number), event=draw(types))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data) - 1))
        data[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(data)


@given(anything | mutated())
def test_fields_tile_any_bytes(data):
    assert_tiled(dissect(data), len(data))


@given(anything | mutated(), places)
def test_however_the_bytes_come_the_tree_is_the_same(data, places):
    tree = dissect(data).as_tuple()
    assert dissect(*one_by_one(data)).as_tuple() == tree
    assert dissect(*cut(data, places)).as_tuple() == tree


@given(anything | mutated(), anything)
def test_what_comes_later_does_not_change_what_was_dispatched(data, more):
    before = dissect(data).children
    if before and before[-1].error:
        before.pop()  # of a block that is not finished, more may become
    elif data.endswith(b"\r") and more.startswith(b"\n"):
        before.pop()  # and so of a CR
    after = dissect(data, more).children[: len(before)]
    assert [field.as_tuple() for field in after] == [field.as_tuple() for field in before]


@given(anything | mutated(), places, st.sampled_from(["", "7", "é"]))
def test_the_same_events_come_out_as_of_the_decoder(data, places, last_event_id):
    pieces = cut(data, places)
    decoder = Decoder(last_event_id)
    decoded = [event for piece in pieces for event in decoder.feed(piece)]
    root = dissect(*pieces, last_event_id=last_event_id)
    assert events(root) == decoded
    comments = [it for it in root.walk() if it.name == "line" and it.children[0].name == "colon"]
    assert sum(it.children[-1].name == "line end" for it in comments) == decoder.comments


@given(anything | mutated())
def test_the_events_are_those_of_the_standard(data):
    assert events(dissect(data)) == interpret(data)


def interpret(data: bytes) -> list[Event]:
    """§9.2.5 and §9.2.6 word for word: slow, and easy to compare with the standard."""
    stream = data.removeprefix(BOM).decode("utf-8", "replace")
    found = []
    data_buffer = event_type_buffer = last_event_id_buffer = ""
    while end := re.search("\r\n|\n|\r", stream):
        line, stream = stream[: end.start()], stream[end.end() :]
        if line == "":
            if data_buffer == "":
                event_type_buffer = ""
                continue
            if data_buffer[-1] == "\n":
                data_buffer = data_buffer[:-1]
            kind = "message" if event_type_buffer == "" else event_type_buffer
            found.append(Event(data_buffer, kind, last_event_id_buffer))
            data_buffer = event_type_buffer = ""
        elif line[0] == ":":
            pass
        else:
            field, value = line, ""
            if ":" in line:
                field, value = line[: line.index(":")], line[line.index(":") + 1 :]
                if value[:1] == " ":
                    value = value[1:]
            if field == "event":
                event_type_buffer = value
            elif field == "data":
                data_buffer += value
                data_buffer += "\n"
            elif field == "id" and "\0" not in value:
                last_event_id_buffer = value
    return found  # "Once the end of the file is reached, any pending data must be discarded."


@given(st.text(), st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])))
def test_what_the_lab_encodes_has_no_errors(text, id):
    root = dissect(encode(text, id=id, event="tick", retry=1.5))
    assert root.errors == []
    assert events(root) == [Event(re.sub("\r\n|\r", "\n", text), "tick", id)]


# ── lines ──


def test_a_field_has_a_name_a_colon_a_space_a_value_and_an_end():
    assert parts(b"id: 4\n\n") == [
        ("field name", b"id", "id"),
        ("colon", b":", ":"),
        ("space", b" ", " "),
        ("value", b"4", "4"),
        ("line end", b"\n", "LF"),
        ("blank line", b"\n", "LF"),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"data:x", [("field name", "data"), ("colon", ":"), ("value", "x")]),
        (b"id:  x", [("field name", "id"), ("colon", ":"), ("space", " "), ("value", " x")]),
        (b"data:\tx", [("field name", "data"), ("colon", ":"), ("value", "\tx")]),
        (b"data:a:b", [("field name", "data"), ("colon", ":"), ("value", "a:b")]),
        (b"data:", [("field name", "data"), ("colon", ":")]),
        (b"data: ", [("field name", "data"), ("colon", ":"), ("space", " ")]),
        (b"data", [("field name", "data")]),
        (b" data", [("field name", " data")]),
        (b":", [("colon", ":")]),
        (b": hi:", [("colon", ":"), ("comment", " hi:")]),
        (b"::", [("colon", ":"), ("comment", ":")]),
    ],
)  # fmt: skip
def test_the_parts_of_a_line(line, expected):
    assert [(name, value) for name, _, value in parts(line + b"\n\n")][:-2] == expected
    assert [(name, value) for name, _, value in parts(line)] == expected


@pytest.mark.parametrize(("end", "name"), [(b"\n", "LF"), (b"\r", "CR"), (b"\r\n", "CRLF")])
def test_all_three_line_ends(end, name):
    root = dissect(b"data: 1" + end + end + b"data: 2" + end + end)
    assert values(root, "line end") == values(root, "blank line") == [name, name]
    assert [event.data for event in events(root)] == ["1", "2"]


def test_line_ends_may_be_mixed():
    root = dissect(b"data: 1\r\n\rdata: 2\n\r\ndata: 3\r\r\n")
    assert values(root, "line end") == ["CRLF", "LF", "CR"]
    assert values(root, "blank line") == ["CR", "CRLF", "CRLF"]


def test_a_cr_waits_for_the_byte_behind_it_and_an_lf_does_not():
    dissector = sse.dissector()
    dissector.feed(b"data: 1\n\n")
    assert len(events(dissector.root)) == 1
    dissector.feed(b"data: 2\r\n\r")
    assert len(events(dissector.root)) == 1
    dissector.feed(b"\n")
    assert len(events(dissector.root)) == 2
    dissector.feed(b"data: 3\r\r")
    assert [event.data for event in events(dissector.end())] == ["1", "2", "3"]


@pytest.mark.parametrize("character", "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\0\ufeff")
def test_nothing_else_ends_a_line(character):
    text = f"a{character}b"
    (event,) = events(dissect(f"data: {text}\n\n".encode()))
    assert event.data == text


# ── the byte order mark ──


def test_one_byte_order_mark_is_skipped():
    root = dissect(BOM + b"data: x\n\n")
    assert [field.name for field in root.children] == ["byte order mark", "block"]
    assert len(events(root)) == 1


def test_a_second_one_or_a_later_one_is_part_of_a_name():
    for stream in (BOM + BOM + b"data: x\n\n", b"\n" + BOM + b"data: x\n\n"):
        root = dissect(stream)
        assert values(root, "field name") == ["\ufeffdata"]
        assert root.find("field name").note == sse.REMARKS["unknown field"].note
        assert events(root) == []


def test_a_byte_order_mark_that_is_cut_off_is_not_utf8():
    assert "not UTF-8" in dissect(BOM[:2]).find("field name").error
    assert dissect(BOM).errors == []


# ── blocks ──


@pytest.mark.parametrize(
    ("block", "value"),
    [
        (b"data: x\n\n", 'event "message"'),
        (b"event: tick\ndata: x\nid: 4\n\n", 'event "tick", id "4"'),
        (b"event\ndata\nid\n\n", 'event "message", id ""'),
        (b": note\ndata: x\nretry: 10\n\n", 'event "message", reconnection time 10 ms'),
        (b": welcome\nretry: 1000\n\n", "nothing dispatched, reconnection time 1000 ms"),
        (b"id: 4\n\n", 'nothing dispatched, id "4"'),
        (b"event: tick\n\n", "nothing dispatched"),
        (b": heartbeat\n:\n\n", "comment"),
        (b": heartbeat\nnonsense\n\n", "nothing dispatched"),
        (b"\n", "nothing dispatched"),
        (b"id: a\0b\n\n", "nothing dispatched"),
        (b"retry: x\n\n", "nothing dispatched"),
        (b"id: " + b"x" * 41 + b"\n\n", f'nothing dispatched, id "{"x" * 40}…"'),
    ],
)
def test_a_block_says_what_comes_out_of_it(block, value):
    (field,) = dissect(block).children
    assert (field.name, field.value) == ("block", value)


def test_the_id_stands_for_later_events_and_the_type_does_not():
    root = dissect(b"id: 1\nevent: tick\ndata: a\n\ndata: b\n\n")
    assert events(root) == [Event("a", "tick", "1"), Event("b", "message", "1")]
    assert [block.value for block in root.children] == [
        'event "tick", id "1"',
        'event "message", id "1"',
    ]


def test_an_id_without_data_is_remembered():
    assert events(dissect(b"id: 1\n\ndata: a\n\n")) == [Event("a", "message", "1")]


def test_a_type_without_data_is_forgotten():
    assert events(dissect(b"event: tick\n\ndata: a\n\n")) == [Event("a")]


def test_the_id_of_the_connection_stands_until_another_comes():
    root = dissect(b"data: a\n\nid\ndata: b\n\n", last_event_id="7")
    assert [event.last_event_id for event in events(root)] == ["7", ""]


def test_data_is_joined_with_lf_whatever_ended_its_lines():
    root = dissect(b"data: a\r\ndata:\rdata: b\n\n")
    buffer = root.find("blank line").buffer
    assert (buffer.name, buffer.data) == ("event", b"a\n\nb")
    assert [(it.name, it.start, it.stop, it.value) for it in buffer.root.children] == [
        ("type", 0, 0, "message"),
        ("last event id", 0, 0, ""),
        ("data", 0, 32, "a\n\nb"),
    ]


def test_one_empty_data_field_makes_an_event_without_text():
    assert events(dissect(b"data\n\ndata:\n\ndata: \n\n")) == [Event("")] * 3


def test_every_blank_line_ends_a_block():
    root = dissect(b"\n\n: a\n\n\n")
    assert [block.value for block in root.children] == [
        "nothing dispatched",
        "nothing dispatched",
        "comment",
        "nothing dispatched",
    ]
    assert root.errors == []


@pytest.mark.parametrize(
    "rest", [b"data: x\n", b"data: x", b"d", b": note\n", b":", b"data: x\r", b"data: x\r\n"]
)
def test_a_block_without_its_blank_line_is_never_dispatched(rest):
    root = dissect(b"data: 1\n\n" + rest)
    (block,) = root.errors
    assert block is root.children[-1]
    assert (block.value, block.reference) == ("nothing dispatched", "WHATWG HTML §9.2.6")
    assert block.error.startswith("never dispatched")
    assert len(events(root)) == 1


def test_a_forgotten_blank_line_makes_one_event_of_two():
    assert events(dissect(b"id: 1\ndata: a\nid: 2\ndata: b\n\n")) == [Event("a\nb", "message", "2")]


# ── what is ignored ──


def test_an_id_with_a_nul_is_ignored():
    root = dissect(b"id: 1\nid: a\0b\ndata: x\n\n")
    (line,) = root.errors
    assert (line.name, line.value, line.reference) == ("line", "id", "WHATWG HTML §9.2.6")
    assert "NUL" in line.error
    assert events(root) == [Event("x", "message", "1")]


@pytest.mark.parametrize("text", ["x", "1s", "-1", "1.5", "", " 1", "1 ", "²", "٣"])
def test_a_time_that_is_not_made_of_digits_is_ignored(text):
    root = dissect(f"retry: {text}\n\n".encode() if text else b"retry\n\n")
    (line,) = root.errors
    assert (line.name, line.value) == ("line", "retry")
    assert line.error.startswith("ignored")


@pytest.mark.parametrize("text", ["0", "007", "9" * 5000])  # int() takes 4,300 digits at most
def test_any_number_of_digits_is_a_time(text):
    root = dissect(f"retry: {text}\n\n".encode())
    assert root.errors == []
    assert values(root, "value") == [text]


@pytest.mark.parametrize("name", ["Data", "data ", " data", "DATA", "foo", "é", "\0"])
def test_unknown_fields_are_ignored_and_say_so(name):
    root = dissect(f"{name}: x\n\n".encode())
    field = root.find("field name")
    assert field.value == name
    assert field.note.startswith("Ignored")
    assert (events(root), root.errors) == ([], [])


# ── UTF-8 ──


@pytest.mark.parametrize(
    ("wire", "text"),
    [  # as the Encoding standard's decoder replaces them
        (b"a\xffb", "a�b"),
        (b"\xe2\x82", "�"),
        (b"\xf0\x9f\x8e", "�"),
        (b"\xf0\x80\x80", "���"),
        (b"\xed\xa0\x80", "���"),
        (b"\xc0\xaf", "��"),
        (b"\xe2\x82:x", "�:x"),
    ],
)
def test_what_is_not_utf8_is_replaced_and_the_field_says_so(wire, text):
    root = dissect(b"data: " + wire + b"\n\n")
    (value,) = root.errors
    assert (value.name, value.value, value.reference) == ("value", text, "WHATWG HTML §9.2.5")
    assert "U+FFFD" in value.error
    assert events(root) == [Event(text)]
    assert root.find("blank line").buffer.data == text.encode()


def test_a_replacement_character_on_the_wire_is_no_error():
    root = dissect("data: �\n\n".encode())
    assert root.errors == []


def test_names_and_comments_may_be_wrong_too():
    root = dissect(b"d\xffta: x\n: \xff\n\n")
    assert [field.name for field in root.errors] == ["field name", "comment"]


def test_a_sequence_cut_short_does_not_swallow_the_line_end():
    root = dissect(b"data: \xe2\x82\ndata: \xf0\r\ndata\xc3: x\n\n")
    assert values(root, "line end") == ["LF", "CRLF", "LF"]
    assert events(root) == [Event("�\n�")]


# ── prose ──


def test_every_field_has_a_note_and_a_clause():
    root = dissect(BOM + b": a\nevent: tick\nid: 1\nretry: 5\ndata: x\ndata\nfoo: y\r\n\n")
    fields = list(root.walk())[1:]
    fields += root.find("blank line").buffer.root.walk()
    for field in fields:
        assert field.note, field
        assert re.fullmatch(r"WHATWG HTML §9\.2\.[4-8]", field.reference), field
    assert {field.note for field in fields} == {remark.note for remark in sse.REMARKS.values()}


def test_field_names_say_what_they_ask_for():
    root = dissect(b"event: tick\nid: 1\nretry: 5\ndata\nfoo\n\n")
    notes = [field.note for field in root.walk() if field.name == "field name"]
    kinds = ("event", "id", "retry", "data", "unknown")
    assert notes == [sse.REMARKS[f"{kind} field"].note for kind in kinds]


def test_a_line_without_a_colon_says_so():
    with_colon, without = (dissect(line).find("line") for line in (b"data:\n", b"data\n"))
    assert with_colon.note == sse.REMARKS["line"].note
    assert without.note == sse.REMARKS["line without colon"].note


# ── time ──


@pytest.mark.parametrize("pieces", [lambda data: [data], one_by_one])
@pytest.mark.parametrize(
    "make",
    [
        lambda count: b"id: 4\ndata: some text\n\n" * count,
        lambda count: b"data: some text\n" * count + b"\n",  # one event of many lines
        lambda count: b"data: " + b"some text" * 3 * count + b"\n\n",  # or of a long one
        lambda count: b"id: " + b"x" * 10 * count + b"\n\n" + b"data\n\n" * count,
        lambda count: b"data: x\r\n" * count,  # never dispatched
        lambda count: b"x" * 20 * count,  # not even a line
        lambda count: b"\r" * 3 * count,
        lambda count: b":" * 10 * count,
        lambda count: b"\xff" * 20 * count,
    ],
)
def test_time_is_linear_in_the_bytes(make, pieces):
    few, many = pieces(make(100)), pieces(make(100 * EIGHTFOLD))
    assert growth(sse.dissector, few, many) < LINEAR


def test_a_long_id_is_not_repeated_in_every_block():
    root = dissect(b"id: " + b"x" * 100_000 + b"\n\n" + b"data\n\n" * 1000)
    assert sum(len(block.value) for block in root.children) < 100_000
    ids = [field.buffer.root.find("last event id").value for field in root.walk() if field.buffer]
    assert len(ids) == 1000
    assert len({id(text) for text in ids}) == 1  # one text, however many events have it
