"""Which addresses a live source may have, and what of an address others are told."""

from __future__ import annotations

import pytest

from agent.contract.addresses import Group, fault_of, group_of, shown


@pytest.mark.parametrize(
    "url",
    [
        "https://dai.example/live",
        "http://dai.example:8000/live.mp3",
        "HTTPS://dai.example/live",
        "rtsp://xa:mat%20khau@10.0.0.7:554/stream1",
        "rtsps://dai.example/1",
        "udp://@239.1.2.3:5004",
        "udp://239.1.2.3:5004",
        "rtp://10.0.0.7@239.1.2.3:5004",
    ],
)
def test_what_a_station_can_fetch_has_an_address(url: str) -> None:
    assert fault_of(url) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("dai.example/live", "no_address"),
        ("https://", "no_address"),
        ("rtsp:///stream1", "no_address"),
        ("https://dai.example:99999/", "no_address"),
        ("http://[::1", "no_address"),
        ("rtsp://dai.example/a\nfile 'b'", "no_address"),
        ("rtsp://dai.example/a b", "no_address"),
        ("file:///etc/passwd", "scheme"),
        ("mms://dai.example/live", "scheme"),
        ("concat://a|b", "scheme"),
    ],
)
def test_what_no_station_fetches_is_refused_by_name(url: str, fault: str) -> None:
    assert fault_of(url) == fault


@pytest.mark.parametrize(
    "address",
    [
        "@:5004",  # every address of the box
        "0.0.0.0:5004",
        "127.0.0.1:5004",
        "@10.0.0.7:5004",
        "dai.example:5004",
        "@239.1.2.3",  # no port
        "@239.1.2.3:80",  # a privilege
        "@224.0.0.251:5353",  # routers and printers
        "@240.0.0.1:5004",
        "camera@239.1.2.3:5004",
        "10.0.0.7:x@239.1.2.3:5004",
        "[ff02::1]:5004",
    ],
)
@pytest.mark.parametrize("scheme", ["udp", "rtp"])
def test_udp_and_rtp_are_taken_from_a_multicast_group_only(scheme: str, address: str) -> None:
    assert fault_of(f"{scheme}://{address}") == "not_multicast"


def test_an_address_may_name_the_only_sender_of_its_group() -> None:
    assert group_of("udp://@239.1.2.3:5004") == Group("239.1.2.3", 5004)
    assert group_of("rtp://10.0.0.7@239.1.2.3:5004") == Group("239.1.2.3", 5004, "10.0.0.7")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://dai.example/live", "https://dai.example/live"),
        ("rtsp://xa:bi-mat@10.0.0.7/1", "rtsp://…@10.0.0.7/1"),
        ("rtsp://xa:bi@mat@10.0.0.7/1", "rtsp://…@10.0.0.7/1"),
        ("https://dai.example/live?token=bi-mat", "https://dai.example/live?…"),
        ("open 'rtsp://xa:bi-mat@h/1' failed: why?", "open 'rtsp://…@h/1' failed: why?"),
        ("udp://10.0.0.7@239.1.2.3:5004", "udp://10.0.0.7@239.1.2.3:5004"),
    ],
)
def test_what_only_the_server_should_see_is_not_told(text: str, told: str) -> None:
    assert shown(text) == told
