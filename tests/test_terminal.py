from __future__ import annotations

import io
import re

import pytest

from rtlab.errors import UsageError
from rtlab.terminal import coloured, paint_for, unpainted, width_of


class Screen(io.StringIO):
    """A stream that says to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def usual(monkeypatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "77")


def test_colour_is_for_terminals() -> None:
    assert paint_for(Screen()) is coloured
    assert paint_for(io.StringIO()) is unpainted
    assert (width_of(Screen()), width_of(io.StringIO())) == (77, None)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("NO_COLOR", "1", False),
        ("NO_COLOR", "", True),  # https://no-color.org: "when present and not an empty string"
        ("TERM", "dumb", False),
        ("TERM", "vt100", True),
    ],
)
def test_the_environment_decides(monkeypatch, name: str, value: str, wanted: bool) -> None:
    monkeypatch.setenv(name, value)
    assert paint_for(Screen()) is (coloured if wanted else unpainted)


def test_what_was_asked_for_stands_above_it(monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint_for(io.StringIO(), "always") is coloured
    monkeypatch.delenv("NO_COLOR")
    assert paint_for(Screen(), "never") is unpainted
    with pytest.raises(UsageError, match="Did you mean 'always'"):
        paint_for(Screen(), "alway")


def test_a_colour_ends_where_its_text_does() -> None:
    assert re.fullmatch(r"\x1b\[[0-9;]+mtext\x1b\[0m", coloured("error", "text"))
    assert coloured("error", "") == ""
