"""A reference source system that can also run a pilot district.

Real Mosquitto, an HTTPS content server, a collector and the engineer's command `districtctl`.
Speaks only `agent.contract`; knows nothing of how a station decides.
"""
