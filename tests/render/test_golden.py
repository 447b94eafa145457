"""The lesson's handshake, the RFC's key and the RFC's frame, drawn as they were when looked at."""

from __future__ import annotations

import pytest

from tests.render.golden import FOLDER, PICTURES


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_as_it_was(name: str) -> None:
    kept = (FOLDER / name).read_text(encoding="utf-8")
    assert PICTURES[name]() == kept, "if this is meant: python -m tests.render.golden, and look"


def test_no_picture_is_kept_that_nobody_draws() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PICTURES)
