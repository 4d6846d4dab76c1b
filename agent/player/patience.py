"""How long what is waited for may take before it is given up.

Owns the limits that every source is judged by. Pure numbers and rules over them; who waits, and
what follows, is the caller's.
"""

from __future__ import annotations

from agent.player.clockmap import NS_PER_S

OPEN_LIMIT_FILE_NS = 3 * NS_PER_S
OPEN_LIMIT_STREAM_NS = 6 * NS_PER_S
STALL_LIMIT_NS = 4 * NS_PER_S
HUNG_LIMIT_NS = 5 * NS_PER_S
