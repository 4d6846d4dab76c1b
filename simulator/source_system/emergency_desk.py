"""Emergencies: warn, cancel, and the second signature that free text needs.

Owns the files in `pending/`: a warning that one officer has signed and another must sign.
Invariant: the document of an audience always carries every warning that still stands there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from agent.contract import documents
from agent.contract.documents import Signed, Warnings, ZoneSelector
from agent.contract.envelope import EnvelopeError, open_envelope, seal
from agent.contract.strict import Malformed, decode_signed
from agent.contract.units import Language
from simulator.source_system import compose, warning_templates
from simulator.source_system.bounds import in_words
from simulator.source_system.desk import Desk, open_push
from simulator.source_system.home import EVERYBODY
from simulator.source_system.keyring import SigningKey, signers_of
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import DistrictError
from simulator.source_system.receipts import Delivery, Progress

REPEAT_DEFAULT_MS = 300_000
WARNING_DEFAULT_MS = 6 * 3_600_000


class UntilSecondSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A warning in free text that one officer has signed. Kept in `path`, not sent."""

    id: str
    path: Path
    text: str


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The file that travels to the second officer."""

    v: int = 1
    id: str
    audience: str
    revision: int
    text: str
    by: str
    sealed: str


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """A warning that was sent. text: what stations say, the first language."""

    id: str
    text: str
    delivery: Delivery


class EmergencyDesk(Desk):
    """Warn, cancel, cosign."""

    def warn(
        self,
        text: str | Mapping[Language, str] = "",
        *,
        template: str | None = None,
        slots: Mapping[str, str] | None = None,
        to: str = f"g/{EVERYBODY}",
        zones: ZoneSelector | None = None,
        until_ms: int | None = None,
        repeat_every_ms: int = REPEAT_DEFAULT_MS,
        level: str | None = None,
        siren: bool = True,
        title: str = "",
        author: str = "",
        approver: str = "",
        drill: bool = False,
        files: Mapping[Language, str] | None = None,
        cosign: Sequence[Path] = (),
        wait_s: float = 5.0,
        progress: Progress | None = None,
    ) -> Warned | UntilSecondSignature:
        """Break in. Free text needs a second officer's key file in `cosign`, or waits for it.

        zones: None is every zone of the audience. until_ms: at most 24 hours from now. files:
        language → slot of a published recording; its hash is what the officer signs.
        """
        now_ms = self._clock_ms()
        files = files or {}
        if not files or text or template is not None:
            texts, title, level = _said(text, template, slots or {}, title, level)
        else:
            texts, title, level = {}, title or next(iter(files.values())), level or "warning"
        fields = {
            "id": f"kc-{secrets.token_hex(4)}",
            "revision": 1,
            "issued_at_ms": now_ms,
            "valid_until_ms": until_ms or now_ms + WARNING_DEFAULT_MS,
            "title": title,
            "zones": zones or ZoneSelector(all=True),
            "texts": texts,
            "files": {language: self._recording(slot, to) for language, slot in files.items()},
            "level": level,
            "siren": siren,
            "repeat_every_ms": repeat_every_ms,
            "author": author or self._by,
            "approver": approver,
            "template": template,
            "drill": drill,
        }
        try:
            warning = msgspec.convert(msgspec.to_builtins(fields), documents.Warning)
        except msgspec.ValidationError as error:
            raise DistrictError("warning_wrong", "", in_words(error)) from error
        self._check_lifetime(warning)
        self._stations(to)
        newest, others = self._standing(to)
        changed = [*others, warning]
        return self._send_warnings(
            to, newest + 1, changed, warning.id, cosign, wait_s=wait_s, progress=progress
        )

    def cancel(
        self,
        warning: str,
        *,
        to: str | None = None,
        cosign: Sequence[Path] = (),
        wait_s: float = 5.0,
        progress: Progress | None = None,
    ) -> Warned | UntilSecondSignature:
        """End a warning wherever it stands. to: only when the same id stands in several places."""
        audience = to or self._audience_of_warning(warning)
        newest, active = self._standing(audience)
        changed = [_cancelled(one) if one.id == warning else one for one in active]
        if changed == active:
            raise DistrictError("warning_unknown", warning, audience)
        return self._send_warnings(
            audience, newest + 1, changed, warning, cosign, wait_s=wait_s, progress=progress
        )

    def cosign(
        self,
        pending: Path | str,
        key: Path,
        *,
        wait_s: float = 5.0,
        progress: Progress | None = None,
    ) -> Warned:
        """Add the second officer's signature to what is waiting, and send it."""
        path = pending if isinstance(pending, Path) else self.home.pending / f"{pending}.json"
        try:
            waiting = msgspec.json.decode(path.read_bytes(), type=_Pending)
            envelope = open_envelope(waiting.sealed.encode())
            document = decode_signed(envelope.body)
        except (OSError, msgspec.DecodeError, EnvelopeError, Malformed) as error:
            raise DistrictError("pending_unreadable", path, error) from error
        second = self.keyring.cosigner("emergency", key)
        officers = self.keyring.of_role("emergency")
        first = {one.keyid for one in signers_of(envelope, officers)}
        if not first or second.keyid in first:
            raise DistrictError("pending_same_officer", path, key)
        newest = self._base(waiting.audience, "warning", adopt=True)[0]
        if not isinstance(document, Warnings) or document.revision != newest + 1:
            raise DistrictError("pending_superseded", path)
        sealed = seal(envelope.body, (*envelope.signatures, second.sign(envelope.body)))
        push = self._record_sealed(document, envelope.body, sealed, f"cosigned {key.stem}")
        path.unlink()
        delivery = self._send(push, self._stations(waiting.audience), wait_s, progress)
        return Warned(id=waiting.id, text=waiting.text, delivery=delivery)

    def active_warnings(self, audience: str) -> list[documents.Warning]:
        """What stands in the newest document this home has sent; works without the broker."""
        latest = self.ledger.latest(audience, "warning")
        return self._not_run_out(None if latest is None else open_push(latest))

    def _standing(self, audience: str) -> tuple[int, list[documents.Warning]]:
        """(newest revision, what stands in it), whoever of this district has sent it."""
        newest, document = self._base(audience, "warning", adopt=True)
        return newest, self._not_run_out(document)

    def _not_run_out(self, document: Signed | None) -> list[documents.Warning]:
        if not isinstance(document, Warnings):
            return []
        now_ms = self._clock_ms()
        return [one for one in document.warnings if one.valid_until_ms > now_ms]

    def _audience_of_warning(self, warning: str) -> str:
        for push in self.ledger.current():
            if push.kind == "warning" and any(
                one.id == warning for one in self.active_warnings(push.audience)
            ):
                return push.audience
        raise DistrictError("warning_unknown", warning)

    def _recording(self, slot: str, to: str) -> documents.WarningFile:
        """What was last published into an undated slot, for these stations or for everybody."""
        for audience in (to, f"g/{EVERYBODY}"):
            latest = self.ledger.latest(audience, "content")
            content = None if latest is None else open_push(latest)
            for one in content.bindings if isinstance(content, documents.Content) else ():
                if (one.slot, one.date) == (slot, None):
                    return documents.WarningFile(
                        slot=slot, sha256=one.sha256, duration_ms=one.duration_ms
                    )
        raise DistrictError("slot_empty", slot, to)

    def _check_lifetime(self, warning: documents.Warning) -> None:
        length_ms = warning.valid_until_ms - warning.issued_at_ms
        if not 0 < length_ms <= documents.WARNING_LIFETIME_MAX_MS:
            raise DistrictError("warning_lifetime", warning.id)

    def _send_warnings(
        self,
        audience: str,
        revision: int,
        active: Sequence[documents.Warning],
        about: str,
        cosign: Sequence[Path],
        *,
        wait_s: float,
        progress: Progress | None,
    ) -> Warned | UntilSecondSignature:
        document = compose.warnings(
            self.authority,
            audience,
            active,
            revision=revision,
            now_ms=self._clock_ms(),
        )
        keyring = self.keyring
        keys = [keyring.signing("emergency")]
        keys += [keyring.cosigner("emergency", path) for path in cosign]
        one = next(one for one in active if one.id == about)
        text = next(iter(one.texts.values()), one.title)
        if len({key.keyid for key in keys}) < compose.signatures_needed(document):
            return self._hold(document, keys, about, text)
        push = self._record(document, keys, note=one.title)
        delivery = self._send(push, self._stations(audience), wait_s, progress)
        return Warned(id=about, text=text, delivery=delivery)

    def _hold(
        self, document: Warnings, keys: Sequence[SigningKey], about: str, text: str
    ) -> UntilSecondSignature:
        body = compose.encode(document)
        sealed = seal(body, tuple(key.sign(body) for key in keys))
        pending = _Pending(
            id=about,
            audience=document.audience,
            revision=document.revision,
            text=text,
            by=self._by,
            sealed=sealed.decode(),
        )
        path = self.home.pending / f"{about}.json"
        write_whole(path, msgspec.json.format(msgspec.json.encode(pending), indent=2))
        return UntilSecondSignature(id=about, path=path, text=text)


def _cancelled(warning: documents.Warning) -> documents.Warning:
    if warning.cancelled:
        return warning
    return msgspec.structs.replace(warning, cancelled=True, revision=warning.revision + 1)


def _said(
    text: str | Mapping[Language, str],
    template: str | None,
    slots: Mapping[str, str],
    title: str,
    level: str | None,
) -> tuple[dict[Language, str], str, str]:
    """(texts by language, title, level) of a template or of free text."""
    if template is not None:
        if text:
            raise DistrictError("warning_empty")
        spoken = warning_templates.fill(template, slots)
        found = warning_templates.TEMPLATES[template]
        return {"vi": spoken}, title or found.title, level or found.level
    texts = {"vi": text} if isinstance(text, str) else dict(text)
    if not any(one.strip() for one in texts.values()):
        raise DistrictError("warning_empty")
    first = next(iter(texts.values()))
    return texts, title or first[:60], level or "warning"
