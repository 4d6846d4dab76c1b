"""Which bytes to hand to the decoder so that a wanted position is met to the sample.

Seeking in libVLC is 10 to 30 ms off and loses the first samples of some formats. So the files we
know are read here: an `Excerpt` is a complete little file that begins a little before the wanted
position, together with the exact number of decoded samples to throw away. Priming (samples that
the encoder put before the programme) is part of that number. Formats not known here go to
libVLC as they are.

Pure but for reading the file. One module per format; each raises `NotThisFormat` for others.
"""

from agent.player.formats.choose import open_excerpt
from agent.player.formats.excerpt import Excerpt, NotThisFormat

__all__ = ["Excerpt", "NotThisFormat", "open_excerpt"]
