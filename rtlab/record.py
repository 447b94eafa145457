"""``rtlab record``: a link in front of any server, and what crossed it in a file."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from rtlab.arguments import number, whole
from rtlab.errors import UsageError
from rtlab.link import Link, Recording
from rtlab.sockets import LOOPBACK, taken

MEMORY = 256 << 20
"""Bytes that are held until they are saved, if nothing else is said."""

Told = SimpleQueue[None]

_ENDINGS = (".jsonl", ".pcapng")
_REFRESH = 0.25  # seconds between two counts
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # the last when the terminal is closed


def record(options: argparse.Namespace, settings: dict[str, Any]) -> int:
    """Record what crosses a link until told to end, and save it; return 1 if that failed.

    What can go wrong is found out before the link opens: nobody wants to record twice.

    Args:
        options: of the command line.
        settings: the impairment, for ``Link``.

    Raises:
        UsageError: an argument cannot be used, or the file cannot be written.
        PortInUse: the port that the link was to have is taken.
    """
    seconds = options.seconds
    if seconds is not None:
        seconds = number("--seconds", seconds, "seconds", above=True)
    if options.listen == options.port and options.host in (LOOPBACK, "localhost"):
        raise UsageError(
            f"--listen {options.listen} is the server's own port: the link would dial itself. "
            "Leave it out and get a free one."
        )
    memory = whole(
        "--memory", MEMORY if options.memory is None else options.memory, "bytes", least=1
    )
    link = Link(options.host, options.port, listen=options.listen, memory=memory, **settings)
    file = _File(options.to, options.force)
    try:
        with _told_to_end() as told:
            with link:
                _introduce(link, seconds)
                _watch(link.recording, told, seconds)
            # The link is closed, so its connections have their ends in the recording.
            saved = file.save(link.recording)
        while saved is None and sys.stdin.isatty():
            input("Make room, then press Enter to try again; Ctrl+C gives up. ")
            saved = file.save(link.recording)
    except EOFError:
        saved = None
    finally:
        file.release()
    if saved is None:
        print("rtlab: the recording could not be saved.", file=sys.stderr)
        return 1
    _conclude(link, saved)
    return 0


class _File:
    """The file that the recording will be in, claimed as ``FILE.part`` until it is there.

    Raises:
        UsageError: it cannot be written, or is there already.
    """

    def __init__(self, name: str, force: bool) -> None:
        self.path, self.force = Path(name), force
        self._part = self.path.with_name(self.path.name + ".part")
        if self.path.suffix.lower() not in _ENDINGS:
            raise UsageError(
                "--to takes a file that ends in .jsonl, or in .pcapng for Wireshark as well, not "
                f"{name!r}."
            )
        if self._occupied():
            raise UsageError(f"{name} is there already: name another file, or add --force.")
        try:
            self._part.open("x").close()
        except FileExistsError:
            raise UsageError(
                f"{self._part} is there: another rtlab record is to write {name}, or one was "
                "killed. Remove it, or name another file."
            ) from None
        except OSError as error:
            raise UsageError(f"{name} cannot be written: {error.strerror}.") from error

    def save(self, recording: Recording) -> Path | None:
        """Write the recording, elsewhere if it must be; return where, or ``None`` if nowhere."""
        try:
            self._write(recording, self._part)
            if self._occupied():
                raise FileExistsError(0, "meanwhile another file has its name")
            self._part.replace(self.path)
        except OSError as error:
            self.release()  # what was written of it takes room
            _say(f"{self.path} cannot be written: {error.strerror}.")
        else:
            return self.path
        folder = None
        try:
            folder = Path(tempfile.mkdtemp(prefix="rtlab-"))
            self._write(recording, folder / self.path.name)
        except OSError as error:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            _say(f"Nor can {tempfile.gettempdir()}: {error.strerror}.")
            return None
        return folder / self.path.name

    def release(self) -> None:
        """Give the claim up."""
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    def _occupied(self) -> bool:
        return self.path.exists() and not (self.force and self.path.is_file())

    def _write(self, recording: Recording, path: Path) -> None:
        if self.path.suffix.lower() == ".jsonl":
            recording.save(path)
        else:
            recording.to_pcapng(path)


@contextlib.contextmanager
def _told_to_end() -> Iterator[Told]:
    """Give a queue into which Ctrl+C, or what else would end the program, puts something.

    Pressed again, Ctrl+C does no more: the file is being written then. A signal that whoever
    started this wants ignored, such as ``nohup`` does, stays so.
    """
    # A handler runs between any two steps of the main thread, where an Event may hold its own lock.
    told: Told = SimpleQueue()
    before = {}
    for name in _SIGNALS:
        which = getattr(signal, name, None)  # Windows has no SIGHUP
        if which is not None and signal.getsignal(which) is not signal.SIG_IGN:
            before[which] = signal.signal(which, lambda *_: told.put(None))
    try:
        yield told
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def _introduce(link: Link, seconds: float | None) -> None:
    host, port = link.server
    if host == LOOPBACK and taken(port) is False:
        elsewhere = " There is one at ::1, though: --host ::1." if taken(port, "::1") else ""
        _say(f"No server listens at {host}:{port} yet.{elsewhere} Start it before you dial.")
    after = f", and so do {seconds:g} seconds" if seconds else ""
    print(
        f"dial {LOOPBACK}:{link.port} instead of {host}:{port}; Ctrl+C ends and saves{after}",
        flush=True,
    )
    up, down = link.impairment("up"), link.impairment("down")
    if up.delays or down.delays:
        print(f"on the way up: {up.describe()}; down: {down.describe()}", flush=True)


def _watch(recording: Recording, told: Told, seconds: float | None) -> None:
    """Wait for the end; meanwhile show a count on a terminal, and what goes wrong anywhere."""
    line = _Line()
    deadline = None if seconds is None else time.monotonic() + seconds
    errors = 0
    while True:
        left = _REFRESH if deadline is None else min(_REFRESH, deadline - time.monotonic())
        if left <= 0 or _within(left, told):
            break
        failed = [c.error for c in recording.connections if c.error]
        if len(failed) > errors:
            line.clear()
            _say(f"{failed[-1]} Is it started?")
            errors = len(failed)
        line.show(_counts(recording))
    line.clear()


def _within(seconds: float, told: Told) -> bool:
    try:
        told.get(timeout=seconds)
    except Empty:
        return False
    return True


class _Line:
    """A line on a terminal that is written over and over; nothing where there is no terminal."""

    def __init__(self) -> None:
        self._length = 0
        self._visible = sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Put a text in the place of the last one."""
        if self._visible:
            room = shutil.get_terminal_size().columns - 1
            text, blank = text[:room], " " * min(room, self._length)
            with contextlib.suppress(OSError):  # the terminal may be gone
                print(f"\r{blank}\r{text}", end="", file=sys.stderr, flush=True)
            self._length = len(text) + 2  # and the ^C that a terminal puts after it

    def clear(self) -> None:
        """Leave the line empty."""
        if self._length:
            self.show("")


def _counts(recording: Recording) -> str:
    accepted = recording.accepted
    return (
        f"{accepted:,} connection{'' if accepted == 1 else 's'}, "
        f"{recording.up.received:,} bytes up, {recording.down.received:,} bytes down"
    )


def _conclude(link: Link, path: Path) -> None:
    recording = link.recording
    segments = recording.up.segments + recording.down.segments
    print(f"{path}: {_counts(recording)}, {segments:,} segments")
    if not recording.accepted:
        print("Nothing crossed the link: did the client dial its port?")
        return
    if recording.dropped:
        print(
            f"The earliest {recording.dropped:,} segments are not in it: {recording.limit:,} bytes "
            "of memory were full. Give it more with --memory."
        )
    print(f"next: rtlab explain {shlex.quote(str(path))}")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(f"rtlab: {text}", file=sys.stderr, flush=True)
