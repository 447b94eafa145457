from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtlab
from rtlab.render.values import LONGEST, bit_pattern, plain, shown


def test_bits_are_shown_at_their_place() -> None:
    data = bytes.fromhex("818537fa213d7f9f4d5158")
    root = rtlab.dissect(data, "websocket").root
    patterns = {field.name: bit_pattern(field, data) for field in root.children[0].children}
    assert patterns == {
        "FIN": "1··· ····",
        "RSV1": "·0·· ····",
        "RSV2": "··0· ····",
        "RSV3": "···0 ····",
        "opcode": "···· 0001",
        "MASK": "1··· ····",
        "payload length": "·000 0101",
        "masking key": "",
        "payload": "",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (5, "5"),
        ("a", "'a'"),
        (("Host", "a"), "Host: a"),
        (b"\x01\xff", "01 ff"),
        (bytes(20), "00 00 00 00 00 00 00 00 00 00…"),
        ("x" * 100, "'" + "x" * (LONGEST - 2) + "…"),
    ],
)
def test_values_fit_into_a_line(value: object, text: str) -> None:
    assert shown(value) == text


@given(st.text() | st.binary() | st.tuples(st.text(), st.text()))
def test_nothing_in_a_value_can_take_over_a_terminal(value: object) -> None:
    assert shown(value).isprintable()
    assert plain("\x1b[31m") == "·[31m"
