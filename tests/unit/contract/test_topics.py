"""Topics: exact filters, parsed back."""

from __future__ import annotations

import pytest

from agent.contract.topics import Down, audience_down, parse_down, station_up, subscriptions


def test_a_downward_topic_is_parsed_back_to_what_made_it() -> None:
    assert parse_down(audience_down("s/tan-lien", "cmd")) == Down("s/tan-lien", "cmd")
    assert parse_down(audience_down("g/ha-luu", "warning")) == Down("g/ha-luu", "warning")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "radio/v1/s/x/up/ack",
        "radio/v1/s/x/dn/anything",
        "radio/v1/g/x/dn/trust",
        "radio/v1/g/x/dn/cursor",
        "radio/v1/s//dn/trust",
        "radio/v2/s/x/dn/trust",
        "radio/v1/x/x/dn/trust",
        "radio/v1/s/x/dn/trust/more",
    ],
)
def test_any_other_topic_is_none(topic: str) -> None:
    assert parse_down(topic) is None


def test_a_station_subscribes_to_at_most_32_exact_filters() -> None:
    filters = subscriptions("tan-lien", tuple(f"g{n}" for n in range(40)))
    assert len(filters) == len(set(filters)) <= 32
    assert station_up("tan-lien", "state") in filters
    assert not any("+" in one or "#" in one for one in filters)
