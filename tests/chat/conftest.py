from collections.abc import Iterator

import pytest

import rtlab
from rtlab.chat import Chat


@pytest.fixture
def lab() -> Iterator[rtlab.Lab]:
    """A small one: a chat has a server of its own."""
    with rtlab.Lab("polling") as lab:
        yield lab


@pytest.fixture
def chat(lab: rtlab.Lab) -> Chat:
    """The lesson's chat; it ends with its lab."""
    return rtlab.chat.start(lab)
