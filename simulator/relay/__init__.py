"""Live sound for tests: servers and senders of each kind, with programmes in real time."""

from simulator.relay.groups import GroupSender, free_udp_port
from simulator.relay.icecast import Icecast, IcecastError, Sender
from simulator.relay.playlist import Playlist
from simulator.relay.rtsp import RtspServer, Stream
from simulator.relay.servers import Answer, Servers

__all__ = [
    "Answer",
    "GroupSender",
    "Icecast",
    "IcecastError",
    "Playlist",
    "RtspServer",
    "Sender",
    "Servers",
    "Stream",
    "free_udp_port",
]
