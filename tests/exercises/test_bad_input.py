"""Whatever an answer does, the check ends, says what happened, and the notebook goes on."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import pickle
import signal
import sys
import threading
from pathlib import Path

import pytest

import rtlab
from rtlab.errors import UsageError
from rtlab.exercises import answer as answer_module
from rtlab.exercises import plain
from rtlab.exercises.answer import Answer
from rtlab.exercises.mistakes import Gone
from rtlab.exercises.pack import pack
from rtlab.exercises.run import MOST_WAITS, at_once, run
from tests.exercises.helpers import SHORT, answered, counting, greeting, judged, said, twice
from tests.processes import wait_until_gone


def function(body: str) -> str:
    lines = body.splitlines()
    return "def twice(n):\n" + "".join(f"    {line}\n" for line in lines)


RIGHT = "return 2 * n"

CONTAINED = {
    "raises": ("raise KeyError('room')", "It raised KeyError: 'room'"),
    "exits": ("import sys; sys.exit(3)", "sys.exit()"),
    "ends the process": ("import os; os._exit(3)", "exit status 3"),
    "kills itself": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "is gone"),
    "asks": ("return int(input('n?'))", "input() has nobody to ask"),
    "reads standard input": ("import sys; return int(sys.stdin.readline())", "ValueError"),
    "interrupts": ("raise KeyboardInterrupt", "It raised KeyboardInterrupt"),
    "recurses": ("return twice(n)", "RecursionError"),
    "returns nothing": ("2 * n", "Is there a return?"),
    "returns text": ("return str(2 * n)", "text instead of a number"),
    "returns itself": ("return twice", "of type function"),
    "returns a loop": ("a = []; a.append(a); return a", "contains itself"),
    "returns a lot": ("return bytes(50_000_000)", "far more than is asked for"),
    "returns a long list": ("return [0] * 5_000_000", "far more than is asked for"),
    "generates for ever": ("while True:\n    yield 2 * n", "far more than is asked for"),
    "a number without end": ("return 10 ** 5000", "far more than is asked for"),
    "a large number": ("return 10 ** 2000", "That is not it"),
    "stops the loop": (
        "import asyncio; asyncio.get_running_loop().stop(); return 'x'",
        "text instead of a number",
    ),
}  # fmt: skip


@pytest.mark.parametrize("body, words", CONTAINED.values(), ids=CONTAINED)
def test_what_an_answer_does_is_told(body, words):
    verdict = answered(twice(), function(body))
    assert not verdict.passed
    assert words in said(verdict)
    assert all(case.state == "failed" for case in verdict.cases)


def test_a_gigabyte_is_refused_where_it_is_made():
    verdict = answered(twice(), function("return bytes(2 << 30)"))
    assert "more memory than a check allows" in said(verdict) or "far more" in said(verdict)


def test_a_loop_without_end_is_ended_and_said_where_it_was():
    verdict = answered(twice(cases=5), function("x = 0\nwhile True:\n    x += 1"))
    assert "not through after" in said(verdict)
    assert "in twice" in verdict.first.place
    states = [case.state for case in verdict.cases]
    assert states == ["failed"] * MOST_WAITS + ["not tried"] * (5 - MOST_WAITS)


def test_a_process_that_is_slow_to_start_costs_the_answer_no_time(monkeypatch):
    slow = f"import time; time.sleep({2 * SHORT}); "
    monkeypatch.setattr("rtlab.exercises.answer._START", slow + answer_module._START)
    assert answered(twice(), function(RIGHT)).passed


def test_a_loop_in_one_case_costs_that_case_only():
    verdict = answered(twice(cases=4), function("while n == 2:\n    pass\nreturn 2 * n"))
    assert [case.passed for case in verdict.cases] == [True, False, True, True]


def test_an_answer_that_sleeps_is_ended():
    verdict = answered(twice(), function("import time; time.sleep(100)"))
    assert "line 2, in twice" in verdict.first.place


def test_an_answer_that_waits_for_ever_is_ended():
    source = "import asyncio\nasync def twice(n):\n    await asyncio.Event().wait()\n"
    verdict = answered(twice(), source)
    assert "not through after" in said(verdict)
    assert "line 3, in twice" in verdict.first.place


def test_sync_and_async_answers_count_alike():
    assert answered(twice(), function(RIGHT)).passed
    source = "import asyncio\nasync def twice(n):\n    await asyncio.sleep(0)\n    return 2 * n\n"
    assert answered(twice(), source).passed


def test_what_it_prints_is_kept_apart_and_cut(capfd):
    verdict = answered(twice(), function("for _ in range(200_000): print('x' * 50)\nreturn 2 * n"))
    assert verdict.passed
    assert verdict.printed.startswith("xxx")
    assert verdict.left_out > 10_000_000
    assert len(repr(verdict)) < 3_000
    assert len(verdict._repr_html_()) < 8_000
    assert capfd.readouterr().out == ""


def test_writing_to_descriptor_1_does_not_reach_the_kernel():
    body = "import os; os.write(1, b'\\0\\0\\0\\5hello' * 100); return 2 * n"
    assert answered(twice(), function(body)).passed


def test_meddling_with_the_pipe_ends_the_process_and_no_more():
    body = """\
import gc
for thing in gc.get_objects():
    if type(thing).__name__ == 'Channel':
        thing._sink.write(b'\\xff\\xff\\xff\\xff nonsense')
        thing._sink.flush()
return 2 * n"""
    verdict = answered(twice(), function(body))
    assert not verdict.passed
    assert "is gone" in said(verdict)


FLOODS = """\
import fcntl, gc
for thing in gc.get_objects():
    if type(thing).__name__ == 'Channel':
        fcntl.fcntl(thing._sink, 1031, 1 << 20)  # F_SETPIPE_SZ: more than is read at once
        thing._sink.write(b'\\xff' * (1 << 20))
        thing._sink.flush()
return 2 * n"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pipes of any size")
async def test_a_flood_through_the_pipe_is_not_waited_for():
    exercise = twice()
    async with asyncio.timeout(30):
        verdict = await run(exercise, exercise.load(function(FLOODS)), 1)
    assert "is gone" in said(verdict)


@pytest.mark.skipif(sys.platform != "linux", reason="only there who left the group is found")
async def test_what_a_worker_left_that_ended_by_itself_is_gone_with_the_next():
    leave = function("import os, time; os.fork() or time.sleep(600)\nos._exit(3)")
    answer = Answer(pack(twice().load(leave)))
    await answer.begin()
    first, calling = answer._process, asyncio.ensure_future(answer(1))
    async with asyncio.timeout(30):
        while first.returncode is None:
            await asyncio.sleep(0.01)
        await answer.begin()
        await asyncio.wait([calling])
        assert isinstance(calling.exception(), Gone)
        assert first.stdout.at_eof()
        await answer.kill()


def test_an_object_that_is_equal_to_everything_is_not_right():
    source = """\
class Yes:
    def __eq__(self, other):
        return True
    def __repr__(self):
        return "yes"
def twice(n):
    return Yes()
"""
    verdict = answered(twice(), source)
    assert not verdict.passed
    assert "type Yes" in said(verdict)


def test_a_subclass_that_lies_comes_as_what_it_is():
    source = """\
class Liar(int):
    def __eq__(self, other):
        return True
    __hash__ = int.__hash__
def twice(n):
    return Liar(7)
"""
    assert not answered(twice(), source).passed


def test_patching_the_checker_in_its_process_changes_nothing():
    body = """\
import rtlab.exercises.mistakes as mistakes, rtlab.exercises.plain as plain, rtlab
mistakes.expect = lambda *a, **o: None
mistakes.same = lambda *a: True
rtlab.check = None
return 'wrong'"""
    verdict = answered(twice(), function(body))
    assert not verdict.passed
    assert rtlab.check is not None


def test_what_it_changes_in_one_case_is_gone_in_the_next():
    source = (
        "seen = []\ndef twice(n):\n    seen.append(n)\n    return 2 * n if seen == [n] else 0\n"
    )
    assert answered(twice(cases=4), source).passed


def test_a_server_that_loops_exits_or_raises():
    server = "async def greet(reader, writer):\n    "
    assert answered(greeting(), server + "writer.write(b'hello\\r\\n\\r\\n')\n").passed
    looping = answered(greeting(), server + "while True: pass\n")
    assert not looping.passed
    exiting = answered(greeting(), server + "raise SystemExit\n")
    assert "sys.exit()" in said(exiting)
    raising = answered(greeting(), server + "{}['room']\n")
    assert "line 2, in greet" in raising.first.place
    assert "KeyError: 'room'" in raising.first.place


def test_generators_that_end_raise_or_are_none():
    head = "async def counting():\n"
    assert answered(counting(), head + "    for n in (1, 2, 3): yield n\n").passed
    short = answered(counting(), head + "    yield 1\n")
    assert "stopped after 1 of 3" in said(short)
    raising = answered(counting(), head + "    yield 1\n    raise OSError('cut')\n")
    assert "It raised OSError: cut" in said(raising)
    none = answered(counting(), head + "    return [1, 2, 3]\n")
    assert "not an async generator" in said(none)
    endless = answered(counting(), head + "    while True: yield 1\n")
    assert not endless.passed


class TestWrongKinds:
    def test_a_coroutine_for_a_function(self):
        async def answer(n):
            return 2 * n

        with pytest.raises(UsageError, match=r'called already.*rtlab.check."twice", twice'):
            judged(twice(), answer(1))

    def test_what_it_returns_for_a_function(self):
        with pytest.raises(UsageError, match="not what it returns"):
            judged(twice(), 4)

    def test_a_function_for_a_coroutine_function(self):
        with pytest.raises(UsageError, match="async def greet"):
            judged(greeting(), lambda reader, writer: None)
        with pytest.raises(UsageError, match="yield"):
            judged(counting(), lambda: [1, 2, 3])

    def test_a_function_for_a_class_and_an_object_of_it(self):
        exercise = twice("class")
        with pytest.raises(UsageError, match="asks for a class"):
            judged(exercise, lambda n: n)
        with pytest.raises(UsageError, match="asks for a class"):
            judged(exercise, object())

    def test_a_function_for_a_value(self):
        with pytest.raises(UsageError, match="asks for a value"):
            judged(twice("value"), lambda: {})

    def test_a_value_that_is_too_large(self):
        with pytest.raises(UsageError, match="far more than is asked for"):
            judged(twice("value"), {"x": "y" * (plain.MOST + 1)})

    def test_something_of_this_kernel(self, lab):
        def answer(n):
            return lab.feed.last + n

        with pytest.raises(UsageError, match="'lab', which cannot leave this kernel"):
            judged(twice(), answer)
        with pytest.raises(UsageError, match="'lab', which cannot leave this kernel"):
            judged(twice(), lambda n: answer(n))

    def test_something_large_of_this_kernel(self):
        large = bytes(10_000_000)

        def answer(n):
            return len(large) + n

        with pytest.raises(UsageError, match="takes more than"):
            judged(twice(), answer)

    def test_too_few_parameters(self):
        verdict = answered(twice(), "def twice():\n    return 2\n")
        assert "takes 0 positional arguments but 1 was given" in said(verdict)


CACHED = {
    "the answer": "@functools.lru_cache(maxsize=5, typed=True)\ndef twice(n):\n    return 2 * n\n",
    "a helper": "@functools.cache\ndef double(n):\n    return 2 * n\n"
    "def twice(n):\n    return double(n)\n",
    "a recursive helper": "@functools.cache\ndef add(n, m):\n"
    "    return add(n + 1, m - 1) if m else n\n"
    "def twice(n):\n    return add(n, n)\n",
    "a method": "class Number:\n    @functools.cache\n"
    "    def twice(self, n):\n        return 2 * n\n"
    "def twice(n):\n    return Number().twice(n)\n",
}


@pytest.mark.parametrize("source", CACHED.values(), ids=CACHED)
def test_what_has_a_cache_travels_too(source: str):
    assert answered(twice(), "import functools\n" + source).passed


def test_what_has_a_cache_and_is_raised_in_is_found():
    source = "import functools\n@functools.cache\ndef twice(n):\n    raise KeyError(n)\n"
    assert "line 4, in twice" in answered(twice(), source).first.place


def test_a_cache_of_a_module_that_is_there_is_sent_by_name():
    assert pickle.loads(pack(plain_cache)) is plain_cache
    made = pickle.loads(pack(functools.lru_cache(maxsize=5, typed=True)(lambda n: n)))
    assert made.cache_parameters() == {"maxsize": 5, "typed": True}


@functools.cache
def plain_cache(n: int) -> int:
    return n


def children() -> set[int]:
    me = os.getpid()
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == me:
            found.add(int(folder.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_nothing_is_left_behind():
    before, threads = children(), threading.active_count()
    answered(twice(), function("while True: pass"))
    answered(
        twice(), function("import subprocess; subprocess.Popen(['sleep', '60']); return 2 * n")
    )
    answered(greeting(), "async def greet(reader, writer):\n    raise SystemExit\n")
    gc.collect()
    assert children() == before
    assert threading.active_count() == threads


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize("end", ["return 2 * n", "os._exit(0)", "while True: pass"])
def test_what_leaves_the_group_of_an_answer_is_ended_too(tmp_path: Path, end: str):
    body = f"""\
import os, subprocess
child = subprocess.Popen(['sleep', '600'], start_new_session=True)
with open({str(tmp_path / "left")!r}, 'a') as file:
    print(child.pid, file=file)
{end}"""
    answered(twice(), function(body))
    for pid in map(int, (tmp_path / "left").read_text().split()):
        wait_until_gone(pid)


def test_an_interrupt_while_a_worker_starts_leaves_none(monkeypatch: pytest.MonkeyPatch):
    make, made = Answer._new, []

    async def interrupted(answer: Answer):
        os.kill(os.getpid(), signal.SIGINT)
        process = await make(answer)
        made.append(process)
        return process

    monkeypatch.setattr(Answer, "_new", interrupted)
    with pytest.raises(KeyboardInterrupt):
        at_once(run(twice(), lambda n: 2 * n, 1))
    gc.collect()  # which tells of pipes that nobody closed, and that fails the test
    assert [process.returncode for process in made] == [-signal.SIGKILL]


async def test_a_worker_whose_kernel_dies_ends_itself():
    answer = Answer(pack(lambda n: n))
    await answer.begin()
    process = answer._process
    assert await answer(3) == 3
    process.stdin.close()
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    with pytest.raises(Gone):
        await answer(4)
    await answer.kill()
