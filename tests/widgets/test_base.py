"""What the views share."""

import pytest

import rtlab
import rtlab.widgets
from rtlab.widgets import base
from rtlab.widgets.base import LiveView

from .pages import Page


class Last(LiveView):
    def snapshot(self):
        return {"last": self.lab.feed.last}


def test_a_view_that_appears_gets_a_snapshot_for_itself(lab):
    lab.publish("a")
    assert Page(Last(lab)).open() == {"kind": "snapshot", "for": "page", "last": 1}


def test_a_view_that_says_it_is_there_is_answered(lab):
    page = Page(Last(lab))
    page.open()
    page.say("here")
    page.until(lambda: page.of("here"))
    assert len(page.of("snapshot")) == 1


def test_a_view_of_a_stopped_lab_gets_the_last_one(lab):
    view = Last(lab)
    page = Page(view)
    lab.publish("a")
    lab.stop()
    page.until(lambda: not view.alive)
    assert page.open()["last"] == 1


def test_the_page_that_shows_it_may_connect(lab):
    origin = "https://hub.example.org"
    assert not lab._gate.origin_passes(origin)
    Page(Last(lab)).open(origin)
    assert lab._gate.origin_passes(origin)
    assert not lab._gate.origin_passes("https://evil.example")


@pytest.mark.parametrize("origin", ["null", "", "None"])
def test_a_page_without_an_origin_is_shown_all_the_same(lab, origin):
    assert Page(Last(lab)).open(origin)["last"] == 0
    assert not lab._gate.origin_passes(origin)


def test_what_views_share_comes_before_their_own_and_once():
    text = base._read("browser_client.js", ("common", "clock"))
    whole = text.index("function make("), text.index("class Clock"), text.index("export default")
    assert list(whole) == sorted(whole)
    assert text.count("function make(") == 1


def test_every_view_is_there_and_an_unknown_one_is_an_attribute_error():
    for name in rtlab.widgets.__all__:
        assert issubclass(getattr(rtlab.widgets, name), base.View)
    assert set(dir(rtlab.widgets)) == set(rtlab.widgets._HOMES) == set(rtlab.widgets.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = rtlab.widgets.nothing_like_it
