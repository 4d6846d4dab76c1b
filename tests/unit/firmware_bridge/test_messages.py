"""Messages: decode(encode(m)) is m, and nonsense is one error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers.contract import (
    ControllerWish,
    LeasePolicy,
    ZonePolicy,
    ZoneWish,
)
from firmware_bridge.framing import MAX_PAYLOAD
from firmware_bridge.messages import (
    LINES,
    POWERS,
    Apply,
    Capability,
    ClearFault,
    Done,
    EnterLoader,
    Event,
    EventKind,
    Health,
    Hello,
    MessageError,
    MuteAll,
    ReadHealth,
    ReadState,
    RefusalCode,
    Refused,
    Renew,
    Renewed,
    Request,
    ResetCause,
    SetConfig,
    State,
    ZoneSetting,
    ZoneState,
    decode_from_controller,
    decode_request,
    greeting,
)

u16 = st.integers(0, 0xFFFF)
i16 = st.integers(-0x7FFF, 0x7FFF)
nibble = st.integers(0, 15)
zone_numbers = st.sets(st.integers(1, 16)).map(lambda zones: tuple(sorted(zones)))
policies = st.builds(ZonePolicy, policy=st.sampled_from(LeasePolicy), source=nibble)

requests = st.one_of(
    st.builds(
        SetConfig,
        gate_lease_ms=u16,
        power_lease_s=u16,
        policies=st.lists(policies, max_size=16).map(tuple),
    ),
    st.builds(
        Apply,
        power=st.booleans(),
        zones=zone_numbers.flatmap(
            lambda numbers: st.tuples(
                *(
                    st.builds(ZoneSetting, st.just(number), st.booleans(), i16, st.integers(0, 255))
                    for number in numbers
                )
            )
        ),
    ),
    st.builds(Renew, zones=zone_numbers, power=st.booleans()),
    st.sampled_from([MuteAll(), ReadState(), ReadHealth(), ClearFault(), EnterLoader()]),
)

reports = st.one_of(
    st.builds(
        State,
        power=st.sampled_from(POWERS),
        warm_up_left_ms=u16,
        config_crc=u16,
        fault_word=u16,
        zones=st.integers(0, 16).flatmap(
            lambda count: st.tuples(
                *(
                    st.builds(
                        ZoneState,
                        st.just(number),
                        st.booleans(),
                        i16,
                        nibble,
                        st.sampled_from(LINES),
                        st.booleans(),
                    )
                    for number in range(1, count + 1)
                )
            )
        ),
    ),
    st.builds(
        Health,
        temperature_cdeg=st.none() | i16,
        supply_mv=u16,
        current_ma=u16,
        uptime_s=st.integers(0, 0xFFFF_FFFF),
        levels_cdb=st.lists(st.none() | i16, max_size=16).map(tuple),
    ),
    st.builds(Renewed, gates=zone_numbers, on_policy=zone_numbers, power=st.sampled_from(POWERS)),
    st.builds(Event, kind=st.sampled_from(EventKind), zone=st.integers(0, 255)),
    st.builds(Refused, reason=st.sampled_from(RefusalCode), detail=st.integers(0, 255)),
    st.just(Done()),
)

hellos = st.builds(
    Hello,
    major=st.integers(0, 255),
    minor=st.integers(0, 255),
    firmware=st.tuples(*[st.integers(0, 255)] * 3),
    firmware_hash=st.binary(min_size=4, max_size=4),
    board=u16,
    unique_id=st.binary(min_size=12, max_size=12),
    reset_cause=st.sampled_from(ResetCause),
    boot_count=u16,
    max_payload=st.integers(0, 255),
    capabilities=st.integers(0, 63).map(Capability),
    zones=st.integers(0, 16),
    config_crc=u16,
    fault_word=u16,
)


@given(requests)
def test_every_request_comes_back_as_it_was_sent(message: Request) -> None:
    assert decode_request(message.encode()) == message
    assert len(message.encode()) <= MAX_PAYLOAD


@given(reports)
def test_every_report_comes_back_as_it_was_sent(
    message: State | Health | Renewed | Event | Refused | Done,
) -> None:
    assert decode_from_controller(message.encode()) == message
    assert len(message.encode()) <= MAX_PAYLOAD


@given(hellos)
def test_every_hello_comes_back_as_it_was_sent(hello: Hello) -> None:
    assert Hello.decode(hello.encode()) == hello
    assert len(hello.encode()) <= MAX_PAYLOAD


@given(st.binary(max_size=MAX_PAYLOAD))
def test_arbitrary_payloads_raise_message_error_and_nothing_else(payload: bytes) -> None:
    for decode in (decode_request, decode_from_controller, Hello.decode):
        try:
            decode(payload)
        except MessageError:
            continue


def test_a_hello_from_the_future_is_read_as_far_as_it_is_known() -> None:
    hello = Hello.decode(bytes((200, 3, 1, 2, 3)) + bytes((1, 2, 9, 4)))
    assert (hello.major, hello.minor) == (9, 4)


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (b"", "without a protocol"),
        (b"\x01", "inside a tag"),
        (b"\x01\x05\x01", "inside tag 1"),
        (b"\x01\x02\x01\x00" * 2, "twice"),
        (b"\x01\x01\x01", "not 2"),
        (greeting() + b"\x0a\x01\x11", "more than 16"),
    ],
)
def test_a_broken_hello_says_what_is_wrong(payload: bytes, what: str) -> None:
    with pytest.raises(MessageError, match=what):
        Hello.decode(payload)


def test_the_configuration_crc_is_never_the_value_that_means_none() -> None:
    configs = (SetConfig(ms, 90, ()) for ms in range(2_000))
    assert all(config.crc != 0 for config in configs)


def test_messages_in_the_golden_file_decode_to_themselves() -> None:
    rows = json.loads((Path(__file__).parent / "golden_frames.json").read_text())
    for row in rows:
        payload = bytes.fromhex(row["payload"])
        if row["kind"] != "DATA" or row["name"] == "longest payload":
            continue
        decode = decode_from_controller if payload[0] & 0x80 else decode_request
        assert decode(payload).encode() == payload, row["name"]


@pytest.mark.parametrize(
    ("zone", "gain_cdb", "source"), [(0, 0, 0), (17, 0, 0), (1, -10_001, 0), (1, 0, 16)]
)
def test_a_wish_out_of_range_is_refused_where_it_is_made(
    zone: int, gain_cdb: int, source: int
) -> None:
    with pytest.raises(ValueError, match="outside"):
        ZoneWish(zone, gate=True, gain_cdb=gain_cdb, source=source)


def test_a_zone_cannot_be_wished_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        ControllerWish((ZoneWish(1, gate=True), ZoneWish(1, gate=False)))
