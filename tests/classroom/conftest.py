from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _commands() -> Iterator[None]:
    """Let commands be found as in an activated environment: nbgrader starts ``alembic``."""
    path = os.environ["PATH"]
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    yield
    os.environ["PATH"] = path
