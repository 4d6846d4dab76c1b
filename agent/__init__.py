"""The station daemon: `core` decides, `adapters` obey, `player` makes the sound."""
