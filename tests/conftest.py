from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

import rtlab

# A deadline would be a wall-clock assertion: on a busy machine it fails for nothing.
settings.register_profile("rtlab", deadline=None)
settings.load_profile("rtlab")


@pytest.fixture
def lab() -> Iterator[rtlab.Lab]:
    """All four transports, running."""
    with rtlab.Lab() as lab:
        yield lab


@pytest.fixture
def quick() -> Callable[[], rtlab.Backoff]:
    """Makes a backoff that hardly waits, whatever the server asks for."""
    return lambda: rtlab.Backoff(base=0.02, cap=0.05)


@pytest.fixture(autouse=True)
def _no_lab_is_left() -> Iterator[None]:
    yield
    rtlab.stop()
