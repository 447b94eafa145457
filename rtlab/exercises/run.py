"""Running a check: case by case, each with its own time, and none can stop the others."""

from __future__ import annotations

import asyncio
import inspect
import linecache
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from rtlab import loops
from rtlab.errors import UsageError
from rtlab.exercises import plain
from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Case, Exercise
from rtlab.exercises.mistakes import Gone, Mistake, Place, Raised
from rtlab.exercises.pack import file_of, pack
from rtlab.exercises.verdict import Outcome, Verdict

MOST_WAITS = 3
"""Cases that may wait in vain; after that the rest is not tried, so that a check ends soon."""
START = 30.0
"""Seconds that the process of an answer may take to start: a busy machine is no answer's fault."""
CLEARING = 10.0
"""Seconds that a check which was interrupted may take to end what it started."""
_PEERS = {"websockets", "httpx", "httpcore", "aiohttp", "asyncio"}


def refuse(exercise: Exercise, answer: Any) -> None:
    """Say so if an answer is of a kind that cannot be checked.

    Raises:
        UsageError: it is; the message says what to pass.
    """
    call = exercise.call
    if inspect.iscoroutine(answer) or inspect.isasyncgen(answer):
        name = answer.__name__
        answer.close() if inspect.iscoroutine(answer) else None
        raise UsageError(
            f"This is a coroutine: {name}(…) was called already. Pass the function itself: {call}."
        )
    if exercise.takes == "value":
        if callable(answer):
            raise UsageError(
                f"{exercise.name} asks for a value, not for a function: {call}, where "
                f"{exercise.entry} is a dict."
            )
        return
    if exercise.takes == "class":
        if not inspect.isclass(answer):
            raise UsageError(f"{exercise.name} asks for a class, not {_what(answer)}: {call}.")
        return
    if not callable(answer):
        raise UsageError(
            f"{exercise.name} asks for a function, not {_what(answer)}. Pass the function itself, "
            f"not what it returns: {call}."
        )
    is_async = inspect.iscoroutinefunction(answer) or inspect.isasyncgenfunction(answer)
    if exercise.takes in ("async function", "async generator") and not is_async:
        ends = " and “yield” each message" if exercise.takes == "async generator" else ""
        raise UsageError(
            f"{exercise.name} has to wait for others, so it asks for a coroutine function: begin "
            f"it with “async def {exercise.entry}(…)”{ends}."
        )


def at_once(running: Coroutine[Any, Any, Verdict]) -> Verdict:
    """Wait for a check in a thread of its own, whatever loop runs in this one."""
    thread = loops.LoopThread("rtlab-check").start()
    try:
        return thread.submit(running).result()
    except BaseException:
        loops.uninterrupted(lambda: thread.call(_give_up(running)))
        raise
    finally:
        loops.uninterrupted(thread.stop)


async def _give_up(running: Coroutine[Any, Any, Verdict]) -> None:
    """Cancel a check, and let it end its processes before the end of the loop cancels all."""
    for task in asyncio.all_tasks():
        if task.get_coro() is running:
            task.cancel()
            await asyncio.wait([task], timeout=CLEARING)


def _what(answer: Any) -> str:
    return f"something of {type(answer)}"


class _Value:
    """An answer that is a value: calling it gives the value."""

    notes: tuple[()] = ()

    def __init__(self, content: bytes) -> None:
        self._plain = content

    async def __call__(self) -> Any:
        return plain.decode(self._plain)

    async def start(self) -> None:
        """Nothing to be done."""

    async def begin(self) -> None:
        """Nothing to be done."""

    async def printed(self) -> tuple[str, int]:
        """Nothing is."""
        return "", 0


def packed(exercise: Exercise, answer: Any) -> bytes:
    """Return an answer as the bytes from which it is checked.

    Raises:
        UsageError: it is of a kind that cannot be checked.
    """
    refuse(exercise, answer)
    if exercise.takes != "value":
        return pack(answer)
    try:
        return plain.encode(answer)
    except plain.TooLarge as error:
        raise UsageError(f"{exercise.entry} is {error}: far more than is asked for.") from None


def _unheard(text: str) -> None:
    """Nobody waits to be told."""


async def run(
    exercise: Exercise, answer: Any, seed: int, tell: Callable[[str], None] = _unheard
) -> Verdict:
    """Run every case of a check.

    Args:
        exercise: what was asked for.
        answer: what is checked.
        seed: of the inputs.
        tell: called with a line that says which case is being checked.

    Raises:
        UsageError: the answer is of a kind that cannot be checked.
    """
    return await run_packed(exercise, packed(exercise, answer), seed, answer, tell)


async def run_packed(
    exercise: Exercise,
    content: bytes,
    seed: int,
    answer: Any = None,
    tell: Callable[[str], None] = _unheard,
) -> Verdict:
    """Run every case of a check on an answer of which nothing is at hand but its bytes.

    Args:
        exercise: what was asked for.
        content: the answer, from ``packed``; only the process that runs it unpacks it.
        seed: of the inputs.
        answer: the same, if it is here as well: its lines can be quoted then.
        tell: called with a line that says which case is being checked.
    """
    began = time.perf_counter()
    outcomes: list[Outcome] = []
    waits = 0
    async with _opened(exercise, content) as opened:
        for number, case in enumerate(exercise.cases, 1):
            if waits == MOST_WAITS:
                why = "Not tried: three cases before it waited in vain."
                outcomes.append(Outcome(case.name, "not tried", case.points, case.level, why))
                continue
            tell(f"{exercise.name}: checking case {number} of {len(exercise.cases)}, {case.name} …")
            rng = random.Random(f"{seed}/{case.name}")
            outcome, waited = await _run_case(case, opened, answer, rng)
            waits += waited
            outcomes.append(outcome)
        printed, size = await opened.printed()
    return Verdict(
        exercise.name,
        tuple(outcomes),
        seed,
        printed,
        size - len(printed),
        seconds=time.perf_counter() - began,
    )


@asynccontextmanager
async def _opened(exercise: Exercise, content: bytes) -> AsyncIterator[Any]:
    if exercise.takes == "value":
        yield _Value(content)
        return
    worker = Answer(content)
    try:
        yield worker
    finally:
        await worker.kill()


async def _run_case(
    case: Case, worker: Any, answer: Any, rng: random.Random
) -> tuple[Outcome, bool]:
    """Run a case; return what became of it, and whether it waited in vain."""
    began = time.perf_counter()
    mistake = await _try(case, worker, rng)
    seconds = time.perf_counter() - began
    if mistake is None:
        return Outcome(case.name, "passed", case.points, case.level, seconds=seconds), False
    place = _place(answer, mistake.frame)
    if not place and worker.notes:
        first = worker.notes[0]
        place = f"{_place(answer, first.frame) or 'your handler'} ({first})"
    outcome = Outcome(
        case.name,
        "failed",
        case.points,
        case.level,
        mistake.message,
        mistake.expected,
        mistake.got,
        mistake.compared,
        place,
        mistake.clause or case.clause,
        mistake.protocol,
        seconds,
    )
    return outcome, mistake.waited


async def _try(case: Case, worker: Any, rng: random.Random) -> Mistake | None:
    """Run a case; return what is wrong."""
    seconds = START
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await worker.start()
            seconds = case.timeout
            limit.reschedule(asyncio.get_running_loop().time() + seconds)
            await worker.begin()
            await case.run(worker, rng)
    except Mistake as found:
        return found
    except Raised as error:
        return Mistake(str(error), frame=error.frame)
    except Gone as error:
        return Mistake(str(error))
    except Exception as error:  # peers fail in many ways when an answer does something odd
        if not limit.expired():
            return Mistake(_gave_up(error))
        where = await worker.where()
        await worker.kill()
        what = f"It was not through after {seconds:g} s."
        return Mistake(what, frame=where, waited=True)
    return None


def _gave_up(error: Exception) -> str:
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, (OSError, EOFError)) or type(error).__module__.partition(".")[0] in _PEERS:
        return f"The other side gave up: {what}."
    return (
        f"The check itself could not go on ({what}). Was something replaced in this kernel that it "
        "needs, of the standard library or of rtlab? Restart the kernel, and check again."
    )


def _place(answer: Any, frame: Place | None) -> str:
    """Return a place in the answer, with the line that stands there if it is known."""
    if frame is None:
        return ""
    file, line, name = frame
    source = linecache.getline(file_of(answer, line, name) or file, line).strip()
    quoted = f": {source}" if source else ""
    return f"line {line}, in {name}{quoted}"
