"""Live sound for tests: a real Icecast server and programmes sent to it in real time."""

from simulator.relay.icecast import Icecast, IcecastError, Sender

__all__ = ["Icecast", "IcecastError", "Sender"]
