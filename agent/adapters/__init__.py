"""Adapters obey: they turn the outside world into events, and effects into the outside world."""
