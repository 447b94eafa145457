"""A tree of fields, once it is there."""

import pytest

from rtlab.dissect.field import Buffer, Field
from tests.dissect.helpers import tree_of


def tree() -> Field:
    def grammar(cursor):
        with cursor.group("outer"):
            yield from cursor.raw("a", 1)
            with cursor.group("inner"):
                yield from cursor.raw("b", 1)
            yield from cursor.raw("a", 1)

    return tree_of(grammar, b"123")


def test_walk_goes_in_the_order_of_the_bytes_parents_first():
    assert [field.name for field in tree().walk()] == ["stream", "outer", "a", "inner", "b", "a"]


def test_find_gives_the_first_of_a_name_or_none():
    assert tree().find("a").value == b"1"
    assert tree().find("stream").name == "stream"
    assert tree().find("c") is None


def test_errors_are_found_in_derived_buffers_too():
    root = tree()
    root.find("a").buffer = Buffer("derived", b"123", tree())
    root.find("a").buffer.root.find("b").wrong("not so", "§1")
    root.find("b").wrong("nor so", "§2")
    assert [field.error for field in root.errors] == ["not so", "nor so"]
    assert tree().errors == []


def test_the_first_error_stands():
    field = Field("name", 0, 0)
    field.wrong("first", "§1")
    field.wrong("second", "§2")
    assert (field.error, field.reference) == ("first", "§1")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: setattr(root.find("b"), "name", "c"),
        lambda root: setattr(root.find("b"), "start", 9),
        lambda root: setattr(root.find("b"), "stop", 9),
        lambda root: setattr(root.find("b"), "value", b""),
        lambda root: setattr(root.find("b"), "note", "x"),
        lambda root: setattr(root.find("b"), "reference", "x"),
        lambda root: root.find("b").wrong("x", ""),
        lambda root: root.find("inner").children.clear(),
        lambda root: setattr(root.find("b"), "buffer", Buffer("x", b"", Field("x", 0, 0))),
    ],
)
def test_as_tuple_shows_every_difference(change):
    changed = tree()
    assert changed.as_tuple() == tree().as_tuple()
    change(changed)
    assert changed.as_tuple() != tree().as_tuple()


def test_a_field_can_be_read_in_a_debugger():
    root = tree()
    root.find("b").wrong("not so", "§1")
    assert repr(root.find("b")) == "<Field b 8:16 b'2', error='not so'>"
    assert repr(root.find("outer")) == "<Field outer 0:24 None, 3 children>"
