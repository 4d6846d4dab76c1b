"""What fetches a stream over HTTP: where it may be led, and what it knows of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.player.http_feed import HttpFeed
from simulator.relay import Answer, Servers
from simulator.source_system.pki import CertificateAuthority

SOUND = bytes(range(256)) * 64


@pytest.fixture(scope="module")
def plain() -> Iterator[Servers]:
    answers = {
        "/length": Answer(SOUND, length=True),
        "/chunks": Answer(SOUND, chunked=True),
        "/closes": Answer(SOUND),
        "/titles": Answer(SOUND, titles=True),
        "/shoutcast": Answer(SOUND, icy=True),
        "/round": Answer(leads_to="/round"),
    }
    with Servers(answers) as servers:
        yield servers


def drained(feed: HttpFeed) -> bytes:
    assert feed.open()
    found = b""
    while piece := feed.read(4_096):
        found += piece
    return found


def test_no_redirect_leads_from_https_to_http(plain: Servers, tmp_path: Path) -> None:
    authority = CertificateAuthority.create(tmp_path / "pki", "trial CA")
    credentials = authority.issue_server(tmp_path / "server", ["127.0.0.1"])
    ca = str(tmp_path / "pki" / "ca.pem")
    asked = len(plain.asked)
    answers = {
        "/away": Answer(leads_to=plain.url("/length")),
        "/here": Answer(leads_to="/sound"),
        "/sound": Answer(SOUND, length=True),
    }
    assert credentials.key is not None
    with Servers(answers, (credentials.certificate, credentials.key)) as servers:
        away = HttpFeed(servers.url("/away"), ca=ca)
        assert not away.open()
        assert away.fault == "refused"
        assert drained(HttpFeed(servers.url("/here"), ca=ca)) == SOUND
    assert len(plain.asked) == asked, "it was not even asked"


def test_a_redirect_without_an_end_is_refused(plain: Servers) -> None:
    feed = HttpFeed(plain.url("/round"))
    assert not feed.open()
    assert feed.fault == "refused"


@pytest.mark.parametrize("path", ["/length", "/chunks", "/shoutcast", "/closes"])
def test_every_byte_of_an_answer_comes_through(plain: Servers, path: str) -> None:
    assert drained(HttpFeed(plain.url(path))) == SOUND


def test_the_sound_comes_without_the_titles(plain: Servers) -> None:
    assert drained(HttpFeed(plain.url("/titles"))) == SOUND


def test_only_what_said_that_it_was_all_ended_well(plain: Servers) -> None:
    ended = {}
    for path in ("/length", "/chunks", "/closes"):
        feed = HttpFeed(plain.url(path))
        drained(feed)
        ended[path] = (feed.ended_well, feed.fault)
    assert ended == {
        "/length": (True, None),
        "/chunks": (True, None),
        "/closes": (False, "ended_early"),
    }
