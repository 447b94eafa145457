import os
import signal
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

import rtlab

# A deadline would be a wall-clock assertion: on a busy machine it fails for nothing.
settings.register_profile("rtlab", deadline=None)
settings.load_profile("rtlab")

# What a shell starts in the background ignores interrupts, and with nohup hang-ups; commands that
# tests send these signals to would inherit that.
for _name, _handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", lambda *_: None)):
    _signal = getattr(signal, _name, None)  # Windows has no SIGHUP
    if _signal is not None and signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, _handler)
# Of an environment that is active, but not the one that runs the tests, IPython would warn.
os.environ.pop("VIRTUAL_ENV", None)


@pytest.fixture(scope="session", autouse=True)
def _ipython_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep kernels from a user's startup files, and from one history that all would lock."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        yield


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
