"""The core of all dissectors: random grammars over random bytes, against a naive reading."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.dissect.cursor import Cursor, Dissector, Row, Steps
from rtlab.dissect.field import Field, Remark
from tests.dissect.helpers import assert_tiled, cut, cut_off, one_by_one, tree_of
from tests.dissect.timing import EIGHTFOLD, LINEAR, growth

REMARKS = {"name": Remark("why it is there", "RFC 0 §1"), "group": Remark("what it holds", "§2")}


dissect = partial(tree_of, remarks=REMARKS)


# ── random grammars ──
#
# A grammar as data: ("bits", 3), ("raw", 2), ("group", [...]), ("repeat", [...]) while there is
# more, and questions, whose answers are kept: ("find", delimiters, limit), ("ahead", 2), ("more",).

delimiters = st.lists(st.text("ab\n", min_size=1, max_size=4).map(str.encode), min_size=1)
takes = st.one_of(
    st.tuples(st.just("bits"), st.integers(0, 20)),
    st.tuples(st.sampled_from(["raw", "text"]), st.integers(0, 5)),
    st.tuples(st.just("find"), delimiters, st.none() | st.integers(0, 6)),
    st.tuples(st.just("ahead"), st.integers(0, 5)),
    st.tuples(st.just("more")),
)
programs = st.recursive(
    st.lists(takes, max_size=5),
    lambda inner: st.lists(
        takes | st.tuples(st.sampled_from(["group", "repeat"]), inner), max_size=5
    ),
    max_leaves=8,
)
data = st.one_of(st.binary(max_size=24), st.text("ab\n", max_size=24).map(str.encode))


class Program:
    """A grammar as data, run by a cursor."""

    def __init__(self, program: list) -> None:
        self.program = program
        self.answers: list = []

    def __call__(self, cursor: Cursor) -> Steps[None]:
        yield from self.run(cursor, self.program)

    def run(self, cursor: Cursor, program: list) -> Steps[None]:
        for verb, *details in program:
            if verb == "group":
                with cursor.group("group", 7):
                    yield from self.run(cursor, details[0])
            elif verb == "repeat":
                while (yield from cursor.more()):
                    yield from self.run(cursor, details[0])
                    yield from cursor.bits("step", 8)
            elif verb == "find":
                found = yield from cursor.find(*details[0], limit=details[1])
                self.answers.append(found)
                yield from cursor.raw("found", max(found, 0))
            elif verb == "more":
                self.answers.append((yield from cursor.more()))
            elif verb == "ahead":
                self.answers.append((yield from cursor.ahead(*details)))
            else:
                self.answers.append((yield from getattr(cursor, verb)(verb, *details)))


class Ended(Exception):
    """The naive reading wanted more than there is."""


class Naive:
    """The same for a grammar as data and all of the bytes, as one would do it without a cursor."""

    def __init__(self, program: list, data: bytes) -> None:
        self.data, self.at, self.answers = data, 0, []
        self.digits = "".join(f"{byte:08b}" for byte in data)
        self.fields: list[tuple] = []  # name, start, stop, value, error
        with suppress(Ended):
            self.run(program)
        if self.at < len(self.digits):
            self.fields.append(self.rest("rest", ""))

    def rest(self, name: str, error: str) -> tuple:
        left = self.digits[self.at :]
        value = int(left, 2) if self.at % 8 else self.data[self.at // 8 :]
        return name, self.at, len(self.digits), value, error

    def take(self, name: str, count: int, value: Callable[[], object]) -> None:
        missing = self.at + count - len(self.digits)
        if missing > 0:
            self.fields.append(self.rest(name, cut_off(missing)))
            self.at = len(self.digits)
            raise Ended
        self.fields.append((name, self.at, self.at + count, value(), ""))
        self.at += count

    def ahead(self, count: int) -> bytes:
        return self.data[self.at // 8 :][:count]

    def find(self, delimiters: list[bytes], limit: int | None) -> int:
        text = self.data[self.at // 8 :]
        for place in range(len(text)):
            if any(text[place:].startswith(each) for each in delimiters):
                return place if limit is None or place <= limit else -1
        return -1

    def more(self) -> bool:
        return self.at // 8 < len(self.data)

    def run(self, program: list) -> None:
        for verb, *details in program:
            if verb == "group":
                self.run(details[0])
            elif verb == "repeat":
                while self.more():
                    self.run(details[0])
                    self.take("step", 8, lambda: int(self.digits[self.at :][:8], 2))
            elif verb == "find":
                found = self.find(*details)
                self.answers.append(found)
                self.take("found", max(found, 0) * 8, lambda n=found: self.ahead(max(n, 0)))
            elif verb in ("more", "ahead"):
                self.answers.append(getattr(self, verb)(*details))
            elif verb == "bits":
                (count,) = details
                self.take(verb, count, lambda n=count: int("0" + self.digits[self.at :][:n], 2))
                self.answers.append(self.fields[-1][3])
            else:
                (count,) = details
                self.take(verb, count * 8, lambda n=count: self.ahead(n))
                value = self.fields[-1][3]
                if verb == "text":
                    value = value.decode("latin-1")
                    self.fields[-1] = (*self.fields[-1][:3], value, "")
                self.answers.append(value)


@given(programs, data)
def test_fields_tile_whatever_the_grammar_and_the_bytes(program, data):
    assert_tiled(dissect(Program(program), data), len(data))


@given(programs, data)
def test_a_cursor_takes_what_a_naive_reading_takes(program, data):
    grammar, naive = Program(program), Naive(program, data)
    root = dissect(grammar, data)
    taken = [
        (field.name, field.start, field.stop, field.value, field.error)
        for field in root.walk()
        if field.name not in ("stream", "group")
    ]
    assert taken == naive.fields
    assert grammar.answers == naive.answers


@given(programs, data, st.lists(st.integers(0, 24)))
def test_however_the_bytes_come_the_tree_is_the_same(program, data, places):
    whole, bytewise, pieces = Program(program), Program(program), Program(program)
    tree = dissect(whole, data).as_tuple()
    assert dissect(bytewise, *one_by_one(data)).as_tuple() == tree
    assert dissect(pieces, *cut(data, places)).as_tuple() == tree
    assert whole.answers == bytewise.answers == pieces.answers


@given(programs, data)
def test_what_is_taken_stands_while_more_bytes_come(program, data):
    dissector = Dissector(Program(program), REMARKS)
    before: list[Field] = []
    for byte in one_by_one(data):
        dissector.feed(byte)
        now = list(dissector.root.walk())
        assert now[: len(before)] == before  # the very same fields, and new ones behind them
        before = now
    assert list(dissector.end().walk())[: len(before)] == before
    assert dissector.data == data


# ── taking ──


def test_bits_are_taken_big_end_first_and_across_bytes():
    def grammar(cursor):
        assert (yield from cursor.bits("fin", 1)) == 1
        assert (yield from cursor.bits("rsv", 3)) == 0
        assert (yield from cursor.bits("both", 8)) == 0x1F
        assert (yield from cursor.bits("last", 4)) == 0x0E

    root = dissect(grammar, b"\x81\xfe")
    assert [(it.name, it.start, it.stop) for it in root.children] == [
        ("fin", 0, 1),
        ("rsv", 1, 4),
        ("both", 4, 12),
        ("last", 12, 16),
    ]


def test_bits_may_be_more_than_a_machine_word():
    def grammar(cursor):
        assert (yield from cursor.bits("number", 2048)) == int.from_bytes(bytes(range(256)), "big")

    assert dissect(grammar, bytes(range(256))).find("number").stop == 2048


def test_raw_gives_bytes_and_text_gives_one_character_a_byte():
    def grammar(cursor):
        assert (yield from cursor.raw("raw", 2)) == b"\xff\x00"
        assert (yield from cursor.text("text", 2)) == "\xe9\x00"

    root = dissect(grammar, b"\xff\x00\xe9\x00")
    assert [type(field.value) for field in root.children] == [bytes, str]


@pytest.mark.parametrize("verb", ["bits", "raw", "text"])
def test_nothing_can_be_taken_even_at_the_end(verb):
    def grammar(cursor):
        yield from getattr(cursor, verb)("before", 0)
        yield from cursor.raw("all", 2)
        yield from getattr(cursor, verb)("after", 0)

    for pieces in ([b"ab"], [b"a", b"b"]):
        root = dissect(grammar, *pieces)
        spans = [(field.start, field.stop, field.error) for field in root.children]
        assert spans == [(0, 0, ""), (0, 16, ""), (16, 16, "")]


def test_what_was_seen_can_be_taken_with_a_value_of_its_own():
    def grammar(cursor):
        yield from cursor.ahead(3)
        field = cursor.take("name", 2, "ab!")
        assert field is cursor.last
        cursor.take("nothing", 0)
        cursor.take("other", 1, 7)

    for pieces in ([b"abc"], [b"a", b"b", b"c"]):
        name, nothing, other = dissect(grammar, *pieces).children
        assert (name.start, name.stop, name.value) == (0, 16, "ab!")
        assert (name.note, name.reference) == REMARKS["name"]
        assert (nothing.start, nothing.stop, nothing.value) == (16, 16, None)
        assert (other.start, other.stop, other.value) == (16, 24, 7)


layouts = st.lists(st.tuples(st.sampled_from(["name", "other"]), st.integers(0, 12)), max_size=6)


@given(st.integers(0, 9), layouts, st.binary(max_size=8), st.lists(st.integers(0, 8)))
def test_a_row_is_its_bits_one_after_another(before, layout, data, places):
    def one_by_one(cursor):
        yield from cursor.bits("before", before)
        for name, count in layout:
            values.append((yield from cursor.bits(name, count)))

    def at_once(cursor):
        yield from cursor.bits("before", before)
        fields = yield from cursor.row(Row(REMARKS, *layout))
        assert [field.name for field in fields] == [name for name, _ in layout]
        values.append([field.value for field in fields])

    values: list = []
    tree = dissect(one_by_one, data).as_tuple()
    assert dissect(at_once, data).as_tuple() == tree
    assert dissect(at_once, *cut(data, places)).as_tuple() == tree
    if len(values) == len(layout) + 2:  # there were bytes enough
        assert values[-1] == values[-2] == values[: len(layout)]


def test_a_grammar_may_hand_over_to_that_of_another_protocol():
    def grammar(cursor):
        yield from cursor.raw("name", 1)
        cursor.remarks = {"name": Remark("another reason", "§3")}
        yield from cursor.raw("name", 1)

    notes = [field.note for field in dissect(grammar, b"ab").children]
    assert notes == ["why it is there", "another reason"]


def test_no_bytes_at_all():
    def grammar(cursor):
        yield from cursor.raw("name", 1)

    assert dissect(lambda cursor: iter(()), b"").as_tuple()[:4] == ("stream", 0, 0, None)
    (field,) = dissect(grammar).children
    assert (field.start, field.stop, field.value) == (0, 0, b"")
    assert field.error == "cut off: 8 bits are missing"


def test_a_remark_comes_with_every_field_of_its_name():
    def grammar(cursor):
        with cursor.group("group"):
            yield from cursor.raw("name", 1)
            yield from cursor.raw("other", 1)

    group = dissect(grammar, b"ab").find("group")
    name, other = group.children
    assert (group.note, group.reference) == REMARKS["group"]
    assert (name.note, name.reference) == REMARKS["name"]
    assert (other.note, other.reference) == ("", "")


# ── the end ──


@pytest.mark.parametrize(
    ("verb", "count", "taken_before", "given", "missing", "value"),
    [
        ("bits", 16, 0, b"\xab", 8, b"\xab"),
        ("bits", 64, 0, b"", 64, b""),
        ("bits", 63, 1, b"\xff\x01", 48, 0x7F01),
        ("raw", 1 << 60, 0, b"abc", (1 << 63) - 24, b"abc"),
        ("raw", 2, 0, b"a", 8, b"a"),
        ("text", 2, 0, b"\xe9", 8, b"\xe9"),
        ("text", 2, 4, b"\xe9\x01", 4, 0x901),
    ],
)
def test_who_is_cut_off_says_by_how_much(verb, count, taken_before, given, missing, value):
    def grammar(cursor):
        with cursor.group("outer"), cursor.group("group"):
            yield from cursor.bits("before", taken_before)
            yield from getattr(cursor, verb)("name", count)
            raise AssertionError("there is no more")

    for pieces in ([given], one_by_one(given)):
        root = dissect(grammar, *pieces)
        assert_tiled(root, len(given))
        field = root.find("name")
        assert field.error == cut_off(missing)
        assert field.value == value
        assert (field.note, field.reference) == REMARKS["name"]  # it violates no other clause
        assert root.errors == [field]


def test_groups_are_closed_when_the_bytes_are_cut_off():
    def grammar(cursor):
        with cursor.group("outer"):
            yield from cursor.raw("first", 1)
            with cursor.group("inner"):
                yield from cursor.raw("second", 9)

    root = dissect(grammar, b"abc")
    for name, start in (("outer", 0), ("inner", 8), ("second", 8)):
        assert (root.find(name).start, root.find(name).stop) == (start, 24)


def test_what_a_grammar_leaves_is_shown_as_well():
    def grammar(cursor):
        yield from cursor.raw("name", 1)

    for pieces in ([b"abc"], [b"a", b"b", b"c"]):
        rest = dissect(grammar, *pieces).children[-1]
        assert (rest.name, rest.start, rest.stop, rest.value) == ("rest", 8, 24, b"bc")


def test_what_is_left_from_within_a_byte_on_is_a_number():
    def grammar(cursor):
        yield from cursor.bits("name", 4)

    rest = dissect(grammar, b"\xab\xcd").children[-1]
    assert (rest.start, rest.stop, rest.value) == (4, 16, 0xBCD)


def test_the_end_may_be_said_twice():
    dissector = Dissector(Program([("raw", 1)]), REMARKS)
    dissector.feed(b"abc")
    before = dissector.end().as_tuple()
    assert dissector.end().as_tuple() == before


# ── looking ahead ──


def find(*delimiters: bytes, limit: int | None = None) -> Callable[..., int]:
    """Return what searches pieces for delimiters, from the second byte on."""

    def search(*pieces: bytes) -> int:
        def grammar(cursor):
            yield from cursor.raw("first", 1)
            found.append((yield from cursor.find(*delimiters, limit=limit)))

        found: list[int] = []
        dissect(grammar, *pieces)
        return found[0]

    return search


def test_a_delimiter_may_be_cut_in_two():
    assert find(b"\r\n\r\n")(b"xab\r", b"\n\r", b"\nc") == 2
    assert find(b"\r\n")(b"xa\r", b"b\r", b"\n") == 3
    assert find(b"aab")(b"xaa", b"ab") == 1


def test_a_delimiter_that_is_not_finished_is_none():
    assert find(b"\r\n")(b"xabc\r") == -1
    assert find(b"\r\n", b"c")(b"xabc\r") == 2
    assert find(b"cde", b"d")(b"xabcd") == 3


def test_what_was_taken_is_not_searched():
    assert find(b"xa")(b"xaxa") == 1


def test_the_first_delimiter_counts_even_if_it_is_finished_last():
    search = find(b"abc", b"b")
    assert search(b"xabc") == search(b"xab", b"c") == 0
    assert search(b"xabd") == search(b"xab", b"d") == search(b"xab") == 1


def test_a_delimiter_right_at_the_limit_is_found_one_behind_is_not():
    for pieces in ([b"xabc\r\n"], one_by_one(b"xabc\r\n")):
        assert find(b"\r\n", limit=3)(*pieces) == 3
        assert find(b"\r\n", limit=2)(*pieces) == -1


def test_with_a_limit_nobody_waits_for_ever():
    def grammar(cursor):
        found.append((yield from cursor.find(b"\r\n", limit=3)))

    found: list[int] = []
    dissector = Dissector(grammar, REMARKS)
    dissector.feed(b"abc\r")  # it may begin right at the limit
    assert found == []
    dissector.feed(b"d")
    assert found == [-1]


def test_nobody_waits_for_bytes_that_cannot_matter():
    def grammar(cursor):
        found.append((yield from cursor.find(b"\r\n\r\n", b"\n\n")))
        found.append((yield from cursor.ahead(2)))
        found.append((yield from cursor.more()))

    found: list[object] = []
    Dissector(grammar, REMARKS).feed(b"ab\n\n")
    assert found == [2, b"ab", True]


def test_ahead_waits_for_what_was_asked_for_and_takes_nothing():
    def grammar(cursor):
        seen.append((yield from cursor.ahead(0)))
        seen.append((yield from cursor.ahead(2)))
        seen.append((yield from cursor.ahead(2)))
        yield from cursor.raw("name", 1)
        seen.append((yield from cursor.ahead(2)))

    seen: list[bytes] = []
    dissector = Dissector(grammar, REMARKS)
    dissector.feed(b"a")
    assert seen == [b""]
    dissector.feed(b"b")
    assert seen == [b"", b"ab", b"ab"]
    dissector.end()
    assert seen[3:] == [b"b"]


def test_more_waits_until_it_is_known():
    def grammar(cursor):
        while (yield from cursor.more()):
            seen.append(True)
            yield from cursor.raw("name", 1)
        seen.append(False)

    seen: list[bool] = []
    dissector = Dissector(grammar, REMARKS)
    dissector.feed(b"")
    assert seen == []
    dissector.feed(b"a")
    assert seen == [True]
    dissector.end()
    assert seen == [True, False]


# ── time ──


def lines(cursor: Cursor) -> Steps[None]:
    while (yield from cursor.more()):
        count = yield from cursor.find(b"\r\n", b"\n", b"never", b"x" * 50)
        yield from cursor.raw("line", count + 1 if count >= 0 else cursor.left)


def limited(cursor: Cursor) -> Steps[None]:
    while (yield from cursor.more()):
        yield from cursor.find(b"\r\n", limit=9)
        yield from cursor.raw("byte", 1)


def no_delimiter(cursor: Cursor) -> Steps[None]:
    yield from cursor.find(b"\r\n\r\n")


def one_field(cursor: Cursor) -> Steps[None]:
    yield from cursor.raw("name", 1 << 60)


def looking_back(cursor: Cursor) -> Steps[None]:
    while (yield from cursor.more()):
        yield from cursor.ahead(16)
        yield from cursor.bits("name", 8)


@pytest.mark.parametrize("grammar", [lines, limited, no_delimiter, one_field, looking_back])
@pytest.mark.parametrize("pieces", [lambda data: [data], one_by_one])
def test_time_is_linear_in_the_bytes(grammar, pieces):
    few, many = (pieces(b"some text\n" * count) for count in (500, 500 * EIGHTFOLD))
    assert growth(lambda: Dissector(grammar, {}), few, many) < LINEAR


# ── the tree ──


def deep(depth: int) -> Callable[[Cursor], Steps[None]]:
    def grammar(cursor):
        with ExitStack() as groups:
            for _ in range(depth):
                groups.enter_context(cursor.group("group"))
                yield from cursor.bits("name", 8)
            cursor.last.wrong("deep down", "§9")
            yield from cursor.bits("missing", 8)

    return grammar


def test_a_tree_may_be_deeper_than_python_calls_functions():
    root = dissect(deep(5000), b"x" * 5000)
    assert_tiled(root, 5000)
    assert [field.error for field in root.errors] == ["deep down", "cut off: 8 bits are missing"]
    assert root.find("missing").start == 40_000
    assert sum(1 for _ in root.walk()) == 1 + 2 * 5000 + 1


def test_a_group_may_get_its_value_late_and_last_is_the_field_before():
    def grammar(cursor):
        with cursor.group("outer", "not known yet") as outer:
            yield from cursor.raw("a", 1)
            assert cursor.last.name == "a"
            with cursor.group("inner"):
                yield from cursor.raw("b", 1)
                assert cursor.last.name == "b"
            assert cursor.last.name == "inner"
            outer.value = "known"

    assert dissect(grammar, b"12").find("outer").value == "known"


def test_an_open_group_hangs_in_the_tree_already():
    def grammar(cursor):
        with cursor.group("group"):
            yield from cursor.raw("name", 1)
            yield from cursor.raw("name", 1)

    dissector = Dissector(grammar, REMARKS)
    dissector.feed(b"a")
    assert [field.name for field in dissector.root.walk()] == ["stream", "group", "name"]


def test_an_error_of_the_grammar_itself_is_not_swallowed():
    def grammar(cursor):
        yield from cursor.raw("name", 1)
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        dissect(grammar, b"a")
