"""A small exercise, and ways to run answers to it."""

from __future__ import annotations

import asyncio
from typing import Any

from rtlab.exercises.exercise import Exercise, Takes
from rtlab.exercises.mistakes import expect
from rtlab.exercises.peers import collected, each_once, raw, within
from rtlab.exercises.run import run
from rtlab.exercises.verdict import Verdict

SHORT = 1.5
"""Seconds for a case that is meant to run out of time; that its worker starts does not count."""


def twice(takes: Takes = "function", timeout: float = SHORT, cases: int = 2) -> Exercise:
    """An exercise that asks for a function which doubles a number."""
    exercise = Exercise(
        name="twice",
        notebook="00",
        title="Twice",
        prompt="Double it.",
        stub="def twice(n):\n    return ...\n",
        solution="def twice(n):\n    return 2 * n\n",
        hints=("Add it to itself.", "2 * n"),
        wrong=(),
        takes=takes,
    )
    for number in range(1, cases + 1):

        @exercise.case(f"twice {number}", timeout=timeout)
        async def double(answer, rng, number=number):
            expect(await answer(number), 2 * number)

    return exercise


def counting() -> Exercise:
    """An exercise that asks for an async generator of 1, 2, 3."""
    exercise = Exercise(
        name="counting",
        notebook="00",
        title="Counting",
        prompt="",
        stub="async def counting():\n    yield ...\n",
        solution="async def counting():\n    for n in (1, 2, 3):\n        yield n\n",
        hints=("", ""),
        wrong=(),
        takes="async generator",
    )

    @exercise.case("three", timeout=SHORT)
    async def three(answer, rng):
        async with collected(answer.iterate()) as got:
            await got.reach(3, 1.0)
            each_once(got.items, 3)

    return exercise


def greeting() -> Exercise:
    """An exercise that asks for a server which says hello."""
    exercise = Exercise(
        name="greeting",
        notebook="00",
        title="Greeting",
        prompt="",
        stub="async def greet(reader, writer):\n    ...\n",
        solution="async def greet(reader, writer):\n    writer.write(b'hello\\r\\n\\r\\n')\n",
        hints=("", ""),
        wrong=(),
        takes="async function",
    )

    @exercise.case("hello", timeout=3 * SHORT)
    async def hello(answer, rng):
        async with answer.serve("streams") as server, raw(server.port) as client:
            expect(await within("nothing came", client.head(), SHORT), b"hello\r\n\r\n")

    return exercise


def judged(exercise: Exercise, answer: Any, seed: int = 1) -> Verdict:
    """Run a check and return the verdict."""
    return asyncio.run(run(exercise, answer, seed))


def answered(exercise: Exercise, source: str) -> Verdict:
    """Run a check of an answer that is given as source."""
    return judged(exercise, exercise.load(source))


def said(verdict: Verdict) -> str:
    """The verdict as text in one line."""
    return " ".join(repr(verdict).split())
