"""An answer as a check sees it: what it returns, raises and serves, from another process.

got = await answer(b"abc")                    # call it
parser = await answer.make()                  # or make an object
events = await parser.call("feed", b"…")      # and call that
async with answer.serve("websocket") as server:
    ...                                       # dial server.port
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rtlab.exercises import plain
from rtlab.exercises.mistakes import Gone, Place, Raised

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from rtlab.exercises.worker import main; main()"
)
_SOONER = dict.fromkeys(("WEBSOCKETS_BACKOFF_INITIAL_DELAY", "WEBSOCKETS_BACKOFF_MIN_DELAY"), "0.5")
"""``async for connection in connect(…)`` waits up to 5 s before it dials anew: a check does not."""
_MOST = 2 * plain.MOST + (1 << 20)
"""Bytes of a frame from the worker: Base64 and tags included, nothing honest is longer."""
_MARK = "RTLAB_ANSWER"
"""Stands in the environment of a worker, and so of all that its answer starts."""


class Answer:
    """An answer in a process of its own.

    Args:
        packed: the answer, from ``pack``.
    """

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Queue[tuple[str, Any]]] = {}
        self._last = 0
        self._mark = secrets.token_hex(16)
        self._loaded = False
        self.notes: list[Raised] = []

    # ── the process ──

    async def start(self) -> None:
        """Have a process that works: the one there is, or a new one."""
        if self._process is not None and self._process.returncode is None:
            return
        await self.kill()  # one that ended by itself may have left others, and pipes that they hold
        starting = asyncio.ensure_future(self._new())
        try:
            self._process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._process = await starting  # asyncio would lose one that is half started
            raise
        self._waiting = {}
        self._reading = asyncio.create_task(self._read(self._process))
        self._loaded = False
        await self._ask("printed")  # it is there when it says anything

    async def _new(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _START,
            json.dumps(sys.path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=os.name == "posix",  # what it starts is ended with it
            env={**os.environ, **_SOONER, _MARK: self._mark},
        )

    async def begin(self) -> None:
        """Begin a case: the answer is made anew, in the same process if it still works."""
        self.notes = []
        await self.start()
        packed, self._loaded = None if self._loaded else self._packed, True
        await self._ask("load", packed, sys.path)

    async def kill(self) -> None:
        """End the process, whatever it does, and what it started.

        On POSIX that is its process group; on Linux also what left the group, unless its
        environment was changed as well.
        """
        process, self._process = self._process, None
        if process is None:
            return
        self._end(process)
        if self._reading is not None:
            await asyncio.wait([self._reading])
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        await asyncio.sleep(0)  # pipes are closed by callbacks that wait their turn

    def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.name == "posix":
                    # process.kill() would look first whether it is dead: asyncio would miss its end
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
        for pid in _marked(self._mark):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    async def where(self) -> Place | None:
        """Return file, line and function where the answer is just now, if it can be told."""
        try:
            async with asyncio.timeout(1.0):
                place: Place | None = await self._ask("where")
                return place
        except (TimeoutError, Gone):
            return None

    async def printed(self) -> tuple[str, int]:
        """Return the beginning of what it printed, and how many characters it was in all."""
        if self._process is None:
            return "", 0
        try:
            async with asyncio.timeout(1.0):
                text, size = await self._ask("printed")
                return str(text), int(size)
        except (TimeoutError, Gone, Raised, ValueError, TypeError):
            return "", 0

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out what the process says until it says no more."""
        assert process.stdout is not None
        try:
            while True:
                size = int.from_bytes(await process.stdout.readexactly(4), "big")
                if size > _MOST:
                    break
                said = plain.decode(await process.stdout.readexactly(size))
                if queue := self._waiting.get(said["job"]):
                    queue.put_nowait((said["kind"], said["content"]))
        except Exception:  # an answer that meddles with the pipe is as good as gone
            pass
        self._end(process)
        with contextlib.suppress(OSError):
            # Bytes that nobody reads keep a pipe open, and with an open pipe asyncio does not count
            # the process as ended.
            while await process.stdout.read(1 << 16):
                pass
        code = await process.wait()
        for queue in self._waiting.values():
            queue.put_nowait(("gone", code))

    # ── asking ──

    @asynccontextmanager
    async def _job(self, verb: str, *content: Any) -> AsyncIterator[Job]:
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise Gone(None)
        self._last += 1
        job = Job(self, self._last)
        self._waiting[job.number] = job.queue
        try:
            self._say({"job": job.number, "do": verb, "with": content})
            yield job
        finally:
            self._waiting.pop(job.number, None)

    def _say(self, question: dict[str, Any]) -> None:
        process = self._process
        if process is not None and process.stdin is not None and process.returncode is None:
            text = plain.encode(question)
            process.stdin.write(len(text).to_bytes(4, "big") + text)

    async def _ask(self, verb: str, *content: Any) -> Any:
        async with self._job(verb, *content) as job:
            kind, value = await job.next()
            assert kind == "result"
            return value

    async def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the answer and return what it returns.

        Raises:
            Raised: it raised something.
            Gone: its process ended.
        """
        return await self._ask("call", None, "", args, options)

    async def make(self, *args: Any, **options: Any) -> Made:
        """Call the answer, which is a class, and keep the object that it makes."""
        return Made(self, await self._ask("make", args, options))

    async def iterate(self, *args: Any) -> AsyncIterator[Any]:
        """Call the answer, which is an async generator, and yield what it yields."""
        async with self._job("iterate", args) as job:
            try:
                while True:
                    kind, value = await job.next()
                    if kind == "result":
                        return
                    yield value
            finally:
                job.stop()

    @asynccontextmanager
    async def serve(self, kind: str, *args: Any) -> AsyncIterator[Server]:
        """Let the answer serve while the block runs.

        Args:
            kind: ``"streams"``, ``"websocket"`` or ``"http"``: a function of ``serving``.
            *args: what the handler gets after its connection or request.
        """
        async with self._job("serve", kind, args) as job:
            _, port = await job.next()
            listening = asyncio.create_task(self._take_notes(job))
            try:
                yield Server(self, job.number, port)
            except Exception:  # what went wrong there may be on its way still
                with contextlib.suppress(TimeoutError, Gone, Raised):
                    async with asyncio.timeout(0.5):
                        await self._ask("running", job.number)
                raise
            finally:
                listening.cancel()
                await asyncio.wait([listening])
                job.stop()

    async def _take_notes(self, job: Job) -> None:
        with contextlib.suppress(Gone, Raised):
            while True:
                await job.next()


class Job:
    """A question that is under way."""

    def __init__(self, answer: Answer, number: int) -> None:
        self._answer, self.number = answer, number
        self.queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def next(self) -> tuple[str, Any]:
        """Return what comes next: ``"item"`` or ``"result"``, and its content."""
        while True:
            kind, content = await self.queue.get()
            match kind:
                case "gone":
                    raise Gone(content)
                case "error":
                    raise Raised(content)
                case "note":
                    self._answer.notes.append(Raised(content))
                case _:
                    return kind, content

    def stop(self) -> None:
        """Tell the worker that no more is wanted."""
        self._answer._say({"job": 0, "do": "stop", "of": self.number})


class Made:
    """An object that the answer made."""

    def __init__(self, answer: Answer, number: int) -> None:
        self._answer, self._number = answer, number

    async def call(self, name: str, *args: Any, **options: Any) -> Any:
        """Call one of its methods."""
        return await self._answer._ask("call", self._number, name, args, options)


class Server:
    """What an answer serves.

    Attributes:
        port: where, on 127.0.0.1.
    """

    def __init__(self, answer: Answer, job: int, port: int) -> None:
        self._answer, self._job = answer, job
        self.port = port

    async def publish(self, data: Any) -> int:
        """Publish a message in its feed and return its sequence number."""
        seq: int = await self._answer._ask("publish", self._job, data)
        return seq

    async def running(self) -> int:
        """Return how many connections or requests the answer is busy with."""
        count: int = await self._answer._ask("running", self._job)
        return count


def _marked(mark: str) -> list[int]:
    """The processes, on Linux, that have a mark in their environment."""
    sought = f"{_MARK}={mark}".encode()
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # of somebody else, or gone
            if sought in file.read_bytes():
                found.append(int(file.parent.name))
    return found
