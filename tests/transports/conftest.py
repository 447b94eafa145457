import pytest

from rtlab.feed import Feed


@pytest.fixture
def feed():
    return Feed()
