import pytest

import rtlab
from rtlab.errors import UsageError
from rtlab.middlebox import survey
from rtlab.middlebox.survey import AS_MET


async def test_each_transport_meets_each_kind_of_middlebox(lab):
    found = await survey(lab, patience=6)
    assert set(found.outcomes) == {(kind, name) for kind in AS_MET for name in rtlab.TRANSPORTS}
    assert found["buffering", "sse"] == found["compressing", "sse"] == "stalled"
    assert found["no-upgrade", "websocket"] == "refused (426)"
    assert found["idle", "websocket"].endswith("reconnected")
    assert found["caching", "polling"] == "stalled"
    for kind in ("buffering", "no-upgrade", "compressing"):
        assert found[kind, "long_polling"] == "delivered"
    assert "refused (426)" in repr(found) and "idle, seconds=0.5" in repr(found)
    assert "<table>" in found._repr_html_()


async def test_remedies_can_be_surveyed_as_well():
    with rtlab.Lab(["sse", "websocket"], heartbeat=0.1) as lab:
        remedied = {"buffering": {"respect": True}, "idle": {"seconds": 1.0}}
        found = await survey(lab, remedied, patience=15)
    assert set(found.outcomes.values()) == {"delivered"}


async def test_what_speaks_no_http_1_is_not_said_to_have_stalled():
    with rtlab.Lab(["sse", "http2"]) as lab:
        found = await survey(lab, {"transparent": {}})
        assert lab.recording("http2").accepted == 0
    assert found["transparent", "sse"] == "delivered"
    assert found["transparent", "http2"] == "HTTP/2 is not spoken"
    with rtlab.Lab("http2") as lab, pytest.raises(UsageError, match="over HTTP/1"):
        await survey(lab)


async def test_a_mistake_is_told_before_anything_is_published(lab):
    with pytest.raises(UsageError, match="Did you mean 'buffering'"):
        await survey(lab, {"bufering": {}})
    with pytest.raises(UsageError, match="patience"):
        await survey(lab, patience=0)
    assert lab.feed.last == 0
