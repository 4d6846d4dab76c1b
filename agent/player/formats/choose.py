"""Which of the known formats a file is. One module per format; the first that knows it is taken."""

from __future__ import annotations

from pathlib import Path

from agent.player.formats import adts, flac, mp3, mp4, oggflac, opus, vorbis, wav
from agent.player.formats.data import FileBytes
from agent.player.formats.excerpt import Excerpt, NotThisFormat

_PLANS = (
    wav.plan,
    flac.plan,
    opus.plan,
    vorbis.plan,
    oggflac.plan,
    mp4.plan,
    adts.plan,
    mp3.plan,
)


def open_excerpt(path: Path, from_frames: int) -> Excerpt:
    """The excerpt of the file from position `from_frames` on.

    Raises OSError when the file cannot be read, NotThisFormat when no module knows it.
    """
    data = FileBytes(path)
    for planned in _PLANS:
        try:
            return Excerpt(planned(data, from_frames), data)
        except NotThisFormat:
            continue
    data.close()
    raise NotThisFormat(path.name)
