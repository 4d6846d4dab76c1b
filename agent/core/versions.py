"""Language versions of a bulletin: in which language their words are spoken, and which may be said.

Pure questions about one version; what is there to sound of it is `programme`.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.contract.documents import Entry, Regulation, Source, TextSource, Version


def is_among(language: str, languages: Iterable[str]) -> bool:
    """A language is named with all that is spoken of it: "vi" means "vi-VN" too."""
    return any(language == one or language.startswith(f"{one}-") for one in languages)


def may_be_said(language: str, regulation: Regulation | None) -> bool:
    """Whether the commune's regulation lets the language sound."""
    if regulation is None or not regulation.languages:
        return True
    return is_among(language, regulation.languages)


def sources_of(version: Version) -> tuple[Source, ...]:
    """Its sources, texts in its own language: nobody lets the Vietnamese voice read another."""
    return tuple(
        msgspec.structs.replace(source, language=version.language)
        if isinstance(source, TextSource) and not is_among(source.language, (version.language,))
        else source
        for source in version.sources
    )


def all_sources(entry: Entry) -> Iterable[Source]:
    """Everything an entry may sound like, its chime left out."""
    yield from entry.sources
    for version in entry.versions:
        yield from sources_of(version)
