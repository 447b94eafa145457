"""What a learner has done, in a small file beside the notebooks.

It is read before and replaced after every change, under a lock, so that two kernels may share it,
and a kernel that dies takes nothing along. A check never fails because of it: what cannot be
written is kept in memory, and said.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = ".rtlab-progress.json"
TRIES = 3
"""Honest tries after which a solution may be seen."""
_VERSION = 1
_PATIENCE = 500
"""Hundredths of a second to wait for another kernel, which needs one or two of them."""


@dataclass(slots=True)
class Entry:
    """What was done of one exercise.

    Attributes:
        points: the most that an answer got.
        passed: whether an answer passed.
        tries: fingerprints of the different answers that were checked, the stub not among them.
        hints: how many hints were asked for.
        seen: whether the solution was.
    """

    points: int = 0
    passed: bool = False
    tries: list[str] = field(default_factory=list)
    hints: int = 0
    seen: bool = False

    @classmethod
    def read(cls, value: Any) -> Entry:
        """Make it from what a file says; what makes no sense is left out."""
        entry = cls()
        if isinstance(value, dict):
            for name in ("points", "hints"):
                number = value.get(name)
                if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
                    setattr(entry, name, number)
            entry.passed = value.get("passed") is True
            entry.seen = value.get("seen") is True
            tries = value.get("tries")
            if isinstance(tries, list):
                entry.tries = [one for one in tries if isinstance(one, str)]
        return entry

    @property
    def tries_left(self) -> int:
        """How many honest tries are left until the solution may be seen; 0 when it may."""
        return 0 if self.passed or self.seen else max(0, TRIES - len(self.tries))


class Ledger:
    """What was done of every exercise.

    Attributes:
        path: its file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unsaved: dict[str, Any] = {}
        self._why = ""
        self._wrong = ""

    @property
    def note(self) -> str:
        """What went wrong with the file when it was last used, and why something is unsaved."""
        return " ".join(filter(None, (self._wrong, self._why)))

    def read(self) -> dict[str, Entry]:
        """Return all entries by the names of their exercises."""
        with _locked(self.path):
            return {name: Entry.read(value) for name, value in self._all().items()}

    def entry(self, name: str) -> Entry:
        """Return the entry of one exercise, as it is now."""
        return self.read().get(name, Entry())

    def change(self, name: str, how: Callable[[Entry], None]) -> Entry:
        """Change the entry of one exercise, so that no other kernel changes it meanwhile.

        Args:
            name: of the exercise.
            how: changes the entry that it is given.

        Returns:
            The changed entry.
        """
        with _locked(self.path):
            everything = self._all()
            entry = Entry.read(everything.get(name))
            how(entry)
            everything[name] = self._unsaved[name] = asdict(entry)
            text = json.dumps({"version": _VERSION, "exercises": everything}, indent=1)
            try:
                _replace(self.path, text)
            except OSError as error:
                self._why = (
                    f"Your progress could not be saved in {self.path} ({error.strerror or error}): "
                    "it lasts as long as this kernel does."
                )
            else:
                self._unsaved.clear()
                self._why = ""
        return entry

    def _all(self) -> dict[str, Any]:
        """What the file has, and what could not be written to it."""
        self._wrong = ""
        return self._load() | self._unsaved

    def _load(self) -> dict[str, Any]:
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            return self._damaged(error) if isinstance(error, ValueError) else self._unread(error)
        try:
            exercises = json.loads(text)["exercises"]
            if not isinstance(exercises, dict):
                raise ValueError("no exercises in it")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return self._damaged(error)
        return exercises

    def _unread(self, error: OSError) -> dict[str, Any]:
        self._wrong = f"Your progress in {self.path} cannot be read ({error.strerror or error})."
        return {}

    def _damaged(self, error: Exception) -> dict[str, Any]:
        """Put a damaged file aside, so that nothing of it is lost."""
        numbers = (f".damaged{number or ''}" for number in range(1000))
        names = (self.path.with_name(self.path.name + number) for number in numbers)
        aside = next((name for name in names if not name.exists()), None)
        what = f"{self.path.name} is damaged ({error}), so your progress begins anew."
        self._wrong = f"{what} It cannot be put aside."
        if aside is not None:
            with contextlib.suppress(OSError):
                self.path.rename(aside)
                self._wrong = f"{what} What it held is in {aside.name}."
        return {}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other kernels from a file while the block runs, where the system can do that.

    The lock is on the folder of the file, or, where a folder has none, on a file of the user's:
    nothing more lies beside the notebooks. Who waits too long, or in vain, goes on without.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            descriptor = _lockable(path)
            stack.callback(os.close, descriptor)  # which unlocks it
            for _ in range(_PATIENCE):
                try:
                    _lock(descriptor)
                    break
                except (BlockingIOError, PermissionError):  # somebody has it
                    time.sleep(0.01)
        yield


if sys.platform == "win32":
    import hashlib
    import msvcrt

    def _lockable(path: Path) -> int:
        name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        return os.open(Path(tempfile.gettempdir(), f"rtlab-{name}.lock"), os.O_RDWR | os.O_CREAT)

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lockable(path: Path) -> int:
        return os.open(path.parent, os.O_RDONLY)

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole, or as it was."""
    if path.exists() and not os.access(path, os.W_OK):  # renaming over it would not ask
        raise PermissionError(13, "it is read-only")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


_elsewhere: list[Path] = []


def keep_in(folder: Path) -> None:
    """Keep the file in another folder from now on, as long as this process lasts."""
    _elsewhere[:] = [folder]


def here() -> Path:
    """Return where the file of this notebook is."""
    try:
        return (_elsewhere[0] if _elsewhere else Path.cwd()) / FILE
    except FileNotFoundError:  # the folder was deleted: there is nowhere to write, which is said
        return Path(FILE)
