import asyncio
import subprocess
import sys
import threading

import pytest

import rtlab
from rtlab import hosted, loops
from rtlab.errors import NotRunning, PortInUse, UsageError


class Counted(hosted.InThread):
    """Counts how often it began and ended, and fails on the way if it is told to."""

    def __init__(self, fails=False):
        super().__init__()
        self.began = self.ended = 0
        self._fails = fails

    async def _begin(self):
        await asyncio.sleep(0)
        self.began += 1
        if self._fails:
            raise RuntimeError("half way")

    async def _end(self):
        self.ended += 1


def lab_threads():
    return [thread for thread in threading.enumerate() if thread.name == "rtlab"]


def test_it_begins_once_and_ends_once_and_can_begin_anew():
    thing = Counted()
    for times in (1, 2):
        assert thing.start() is thing and thing.start().running
        assert (thing.began, thing.ended) == (times, times - 1)
        thing.stop()
        thing.stop()
        assert (thing.began, thing.ended, thing.running) == (times, times, False)
    assert lab_threads() == []


def test_many_threads_that_start_it_start_it_once():
    thing = Counted()
    starters = [threading.Thread(target=thing.start) for _ in range(20)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert thing.began == 1
    thing.stop()
    assert lab_threads() == []


def test_what_comes_only_half_way_is_ended_and_leaves_no_thread():
    thing = Counted(fails=True)
    with pytest.raises(RuntimeError, match="half way"):
        thing.start()
    assert (thing.began, thing.ended, thing.running) == (1, 1, False)
    assert lab_threads() == []


def test_goodbyes_come_before_the_end_and_can_be_taken_back():
    thing, heard = Counted(), []
    with pytest.raises(NotRunning):
        thing.when_stopped(lambda: None)
    with thing:
        thing.when_stopped(lambda: heard.append(thing.ended))
        forget = thing.when_stopped(lambda: heard.append("taken back"))
        forget()
        forget()
    assert heard == [0]
    with thing:
        pass
    assert heard == [0]


def test_a_goodbye_that_fails_leaves_no_thread():
    thing = Counted().start()
    thing.when_stopped(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        thing.stop()
    assert not thing.running and lab_threads() == []


def test_where_it_does_not_run_it_has_no_thread():
    with pytest.raises(NotRunning, match=r"start\(\)"):
        _ = Counted().thread
    with pytest.raises(NotRunning, match=r"chat is stopped.*rtlab\.chat\.start\(lab\)"):
        _ = rtlab.chat.Chat(rtlab.Lab("sse")).thread


async def test_in_a_loop_of_ones_own_it_runs_without_the_labs_thread():
    async with rtlab.Link("127.0.0.1", 80) as link:
        assert link.running and link.port and lab_threads() == []
        with pytest.raises(NotRunning, match="This link has no thread"):
            _ = link.thread
    with pytest.raises(NotRunning, match="This link is not open"):
        _ = link.port


def test_a_port_is_looked_at_before_anything_runs():
    with pytest.raises(UsageError, match="listen"):
        rtlab.Link("127.0.0.1", 80, listen=-1)
    with (
        rtlab.Link("127.0.0.1", 80) as first,
        pytest.raises(PortInUse),
        rtlab.Link("127.0.0.1", 80, listen=first.port),
    ):
        pass
    assert lab_threads() == [] and loops._users == 0


def test_a_chat_whose_link_finds_no_port_leaves_nothing(monkeypatch):
    async def no_port(link):
        raise PortInUse("no port")

    with rtlab.Lab("websocket") as lab:
        before = len(asyncio.all_tasks(lab.thread.loop))
        chat = rtlab.chat.Chat(lab)
        with monkeypatch.context() as patch:
            patch.setattr("rtlab.link.relay.Link.open", no_port)
            with pytest.raises(PortInUse):
                chat.start()
        assert not chat.running and lab.running
        assert len(asyncio.all_tasks(lab.thread.loop)) == before
        assert chat.start().running
    assert not chat.running


def test_what_runs_when_python_ends_is_ended():
    program = (
        "import rtlab\n"
        "link = rtlab.Link('127.0.0.1', 80).start()\n"
        "link.when_stopped(lambda: print('goodbye'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("goodbye\n", "", 0)
