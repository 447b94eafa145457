"""The process in which an answer runs.

Whatever an answer does to its process, the notebook goes on: a loop without end, ``sys.exit()``, a
gigabyte of memory, a closed event loop. The kernel asks over standard input and is answered over
standard output, in frames of four bytes of length and JSON text (``plain``); what the answer itself
prints is kept apart. A thread reads the questions, so that "where are you?" is answered while the
main thread loops for ever.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import inspect
import io
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, BinaryIO, NoReturn

from rtlab.exercises import plain, serving
from rtlab.exercises.serving import Served

MEMORY = 1 << 30
"""Bytes of memory that an answer may take, where the system can limit it."""
CPU = 180
"""Seconds of processor time after which the system ends a process that its kernel forgot."""
PRINTED = 4_000
"""Characters of what an answer prints that are kept."""
MOST_ITEMS = 100_000
"""Of a generator that is returned where a list is due."""


class Channel:
    """The pipe to the kernel. Any thread may send.

    Args:
        source: where questions come from.
        sink: where answers go.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._lock = threading.Lock()

    def receive(self) -> dict[str, Any] | None:
        """Return the next question; ``None`` when the kernel is gone."""
        size = self._source.read(4)
        if len(size) < 4:
            return None
        question: dict[str, Any] = plain.decode(self._source.read(int.from_bytes(size, "big")))
        return question

    def send(self, job: int, kind: str, content: Any) -> None:
        """Send an answer to the question ``job``."""
        text = plain.encode({"job": job, "kind": kind, "content": content})
        with self._lock:
            self._sink.write(len(text).to_bytes(4, "big") + text)
            self._sink.flush()


class Printed(io.TextIOBase):
    """Takes what an answer prints, keeps the beginning, and counts the rest."""

    def __init__(self) -> None:
        self.text, self.size = "", 0

    def write(self, text: str) -> int:
        """Take a text."""
        self.size += len(text)
        if len(self.text) < PRINTED:
            self.text += text[: PRINTED - len(self.text)]
        return len(text)


class Worker:
    """Runs one answer, for as long as the kernel asks it to.

    Args:
        channel: to the kernel.
        printed: what the answer has printed.
    """

    def __init__(self, channel: Channel, printed: Printed) -> None:
        self._channel, self._printed = channel, printed
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: None)  # told where it happened
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self._made: dict[int, Any] = {}
        self._served: dict[int, Served] = {}
        self._packed = b""
        self._answer: Any = None
        self._files: set[str] = set()

    def run(self) -> NoReturn:
        """Work until the kernel is gone."""
        asyncio.set_event_loop(self._loop)
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            try:
                self._loop.run_forever()
                raise RuntimeError("the event loop was stopped: it is not the answer's to stop")
            except BaseException as error:
                for job in list(self._jobs):
                    self._fail(job, error)
                self._jobs.clear()

    def _listen(self) -> None:
        while (question := self._channel.receive()) is not None:
            if question["do"] == "where":
                self._channel.send(question["job"], "result", self._where())
            else:
                self._loop.call_soon_threadsafe(self._take, question)
        os._exit(0)

    def _take(self, question: dict[str, Any]) -> None:
        job = question["job"]
        if question["do"] == "stop":
            if task := self._jobs.get(question["of"]):
                task.cancel()
            return
        self._jobs[job] = self._loop.create_task(self._work(job, question))

    async def _work(self, job: int, question: dict[str, Any]) -> None:
        verb: Callable[..., Any] = getattr(self, f"do_{question['do']}")
        try:
            self._channel.send(job, "result", await verb(job, *question["with"]))
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) is None or not task.cancelling():
                self._fail(job, error)  # the answer's own
        except BaseException as error:  # SystemExit would end the loop if a task let it through
            self._fail(job, error)
        finally:
            self._jobs.pop(job, None)

    def _fail(self, job: int, error: BaseException) -> None:
        self._channel.send(job, "error", described(error, self._files))

    # ── what the kernel asks for ──

    async def do_load(self, job: int, packed: bytes | None, path: list[str] | None) -> None:
        """Make the answer from its bytes; ``None`` makes it anew, as if nothing had happened."""
        if packed is not None:
            sys.path[:] = path or sys.path
            self._packed = packed
        self._made.clear()
        self._answer = pickle.loads(self._packed)
        self._files = _files(self._answer)

    async def do_call(self, job: int, of: int | None, name: str, args: Any, options: Any) -> Any:
        """Call the answer, or a method of what it made."""
        target = self._answer if of is None else getattr(self._made[of], name)
        value = target(*args, **dict(options))
        if inspect.isawaitable(value):
            value = await value
        return _listed(value)

    async def do_make(self, job: int, args: Any, options: Any) -> int:
        """Call the answer and keep what it makes; return its number."""
        self._made[job] = self._answer(*args, **dict(options))
        return job

    async def do_iterate(self, job: int, args: Any) -> None:
        """Send one by one what the answer yields."""
        stream: Any = self._answer(*args)
        if inspect.iscoroutine(stream):
            stream = await stream
        if not hasattr(stream, "__aiter__"):
            raise TypeError(
                f"it gave {type(stream).__name__}, not an async generator: write "
                "“async def” and “yield” each message"
            )
        try:
            async for item in stream:
                self._channel.send(job, "item", item)
        finally:
            if hasattr(stream, "aclose"):
                await stream.aclose()

    async def do_serve(self, job: int, kind: str, args: Any) -> None:
        """Let the answer serve on a port of its own until the job is stopped."""
        opener: Callable[..., contextlib.AbstractAsyncContextManager[Served]] = getattr(
            serving, kind
        )
        async with opener(self._answer, *args) as served:
            served.failed = lambda error: self._channel.send(
                job, "note", described(error, self._files)
            )
            self._served[job] = served
            self._channel.send(job, "item", served.port)
            await asyncio.get_running_loop().create_future()

    async def do_publish(self, job: int, of: int, data: Any) -> int:
        """Publish a message in the feed of what is served."""
        return self._served[of].feed.publish(data).seq

    async def do_running(self, job: int, of: int) -> int:
        """Return how many connections the answer is busy with."""
        return self._served[of].running

    async def do_printed(self, job: int) -> tuple[str, int]:
        """Return the beginning of what was printed, and how many characters it was in all."""
        return self._printed.text, self._printed.size

    # ── where it is ──

    def _where(self) -> tuple[str, int, str] | None:
        """File, line and function where the answer is just now."""
        main = sys._current_frames().get(threading.main_thread().ident or 0)
        stacks = [_stack(main)]
        for task in list(self._jobs.values()):
            coroutine: Any = task.get_coro()
            stacks.append(_awaiting(coroutine))
        for stack in stacks:
            for file, line, name in stack:
                if file in self._files:
                    return file, line, name
        return None


def described(error: BaseException, files: set[str]) -> dict[str, Any]:
    """Return what the kernel should know of an error."""
    frames = [
        (frame.filename, frame.lineno or 0, frame.name)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in files
    ]
    text = "" if isinstance(error, KeyError) and not error.args else str(error)
    code = getattr(error, "code", None)
    return {
        "type": type(error).__name__,
        "kinds": [kind.__name__ for kind in type(error).__mro__],
        "text": text[:500],
        "code": code if isinstance(code, int) else None,
        "frame": frames[-1] if frames else None,
    }


def _files(answer: Any) -> set[str]:
    """The files that the code of an answer is from; what travels by value has one name for all."""
    parts = [answer, *vars(answer).values()] if inspect.isclass(answer) else [answer]
    codes = [getattr(inspect.unwrap(part), "__code__", None) for part in parts]
    return {code.co_filename for code in codes if isinstance(code, CodeType)}


def _stack(frame: FrameType | None) -> list[tuple[str, int, str]]:
    stack = []
    while frame is not None:
        stack.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return stack


def _awaiting(coroutine: Any) -> list[tuple[str, int, str]]:
    """The frames of a coroutine and of those that it waits for, innermost first."""
    stack: list[tuple[str, int, str]] = []
    while coroutine is not None and len(stack) < 100:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "ag_frame", None)
        if frame is not None:
            stack[:0] = _stack(frame)[:1]
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)
    return stack


def _listed(value: Any) -> Any:
    """Return a list for a generator, also for one of several things that are returned."""
    if inspect.isgenerator(value):
        return _items(value)
    return tuple(map(_listed, value)) if type(value) is tuple else value


def _items(generator: Any) -> list[Any]:
    items = []
    for item in generator:
        items.append(item)
        if len(items) > MOST_ITEMS:
            raise plain.TooLarge(f"a generator of more than {MOST_ITEMS:,} items")
    return items


def _no_input(prompt: object = "") -> NoReturn:
    raise EOFError("input() has nobody to ask here: an answer works with its arguments")


def limit(memory: int, cpu: int | None = None) -> None:
    """Bound memory, in bytes, and processor time, in seconds, of this process where that works."""
    if sys.platform == "win32":
        return
    import resource

    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, cpu)):
        _, hard = resource.getrlimit(what)
        if most is not None:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(what, (most, hard))


def main() -> NoReturn:
    """Be a worker. Called in a process of its own."""
    channel = Channel(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # what the answer, or what it starts, reads or writes there
        os.dup2(nowhere, descriptor)
    printed = Printed()
    sys.stdout = sys.stderr = printed
    builtins.input = _no_input
    limit(MEMORY, CPU)
    Worker(channel, printed).run()
