from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from matplotlib import pyplot

from rtlab.compare.comparison import Comparison, Result, Sample, quantile
from rtlab.compare.scenario import Scenario
from rtlab.errors import UsageError
from rtlab.link.recording import Recording


def result(*samples: Sample, expected: int = 2) -> Result:
    return Result(
        transport="sse",
        expected=expected,
        samples=samples,
        arrivals=(),
        bytes_up=100,
        bytes_down=300,
        opening_up=100,
        opening_down=50,
        payload_size=50,
        requests=1,
        connections=1,
        cpu_client=0.002,
        cpu_server=0.004,
        recording=Recording(),
        published=(),
    )


def sample(seq: int, latency_ms: int = 1, client: int = 0) -> Sample:
    return Sample(client, seq, 1000, 1000 + latency_ms * 1_000_000)


def test_quantiles_interpolate() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([0.0, 1.0], 0.25) == 0.25
    assert quantile([5.0], 0.99) == 5.0
    assert quantile([], 0.5) is None


def test_what_arrived_once_in_order_is_valid() -> None:
    fine = result(sample(1), sample(2))
    assert (fine.delivered, fine.lost, fine.duplicated, fine.disordered) == (2, 0, 0, 0)
    assert Comparison(Scenario(), {"sse": fine}).valid


@pytest.mark.parametrize(
    ("samples", "lost", "duplicated", "disordered"),
    [
        ([sample(1)], 1, 0, 0),
        ([sample(1), sample(1)], 1, 1, 0),
        ([sample(1), sample(2), sample(2)], 0, 1, 0),
        ([sample(2), sample(1)], 0, 0, 1),
        ([], 2, 0, 0),
    ],
)
def test_losses_doubles_and_disorder_are_counted_and_said(
    samples: list[Sample], lost: int, duplicated: int, disordered: int
) -> None:
    wrong = result(*samples)
    assert (wrong.lost, wrong.duplicated, wrong.disordered) == (lost, duplicated, disordered)
    comparison = Comparison(Scenario(), {"sse": wrong})
    assert not comparison.valid
    for shown in (repr(comparison), comparison._repr_html_()):
        assert f"sse: {lost} lost, {duplicated} duplicated, {disordered} out of order" in shown


def test_a_duplicate_does_not_change_the_times() -> None:
    assert result(sample(1, 5), sample(1, 500), sample(2, 7)).latencies == [0.005, 0.007]


def test_overhead_is_the_share_that_the_application_did_not_send() -> None:
    assert result(sample(1), sample(2)).overhead == pytest.approx(1 - 2 * 50 / 400)


def test_two_clients_are_counted_apart() -> None:
    both = result(sample(1), sample(1, client=1), expected=2)
    assert (both.lost, both.duplicated) == (0, 0)


def test_json_names_every_transport_with_its_figures(tmp_path) -> None:
    comparison = Comparison(Scenario(), {"sse": result(sample(1), sample(2))})
    comparison.save(tmp_path / "figures.json")
    saved = json.loads((tmp_path / "figures.json").read_text())
    assert saved["transports"]["sse"]["lost"] == 0
    assert saved["transports"]["sse"]["duplicated"] == 0
    assert saved["transports"]["sse"]["latency"]["p50"] == 0.001
    assert saved["scenario"]["messages"] == 50
    assert saved["valid"] is True


def test_an_unknown_transport_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'sse'"):
        Comparison(Scenario(), {"sse": result()})["ssse"]


def test_the_table_has_no_figure_where_nothing_arrived() -> None:
    empty = replace(result(), bytes_up=0, bytes_down=0)
    assert "-" in repr(Comparison(Scenario(), {"sse": empty}))
    assert Comparison(Scenario(), {"sse": empty}).as_json()["transports"]["sse"]["overhead"] is None


def test_the_figure_says_in_words_what_it_shows() -> None:
    comparison = Comparison(Scenario(), {"sse": result(sample(1, 20), sample(2, 1040))})
    drawing = comparison.figure()
    words = ElementTree.fromstring(drawing.svg).get("aria-label", "")
    assert words == repr(drawing)
    assert comparison.scenario.describe() in words
    assert "sse: half within 530 ms, all within 1,040 ms" in words
    assert "sse 200" in words  # bytes a message: 100 up and 300 down, for two
    assert pyplot.get_fignums() == []  # or a notebook would show it twice


def test_the_bytes_of_the_figure_are_the_sum_of_those_in_the_table() -> None:
    two = replace(result(sample(1), sample(2)), bytes_up=11, bytes_down=315)  # 5.5 and 157.5
    comparison = Comparison(Scenario(), {"sse": two})
    up, down = re.findall(r"\b(6|158)\b", repr(comparison))
    drawing = comparison.figure()
    assert f"sse {int(up) + int(down)}" in repr(drawing)
    assert ">164<" in drawing.svg


def test_the_figure_names_a_transport_through_which_nothing_came() -> None:
    assert "sse: none have" in repr(Comparison(Scenario(), {"sse": result()}).figure())
