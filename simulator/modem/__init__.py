"""A modem without radio: ModemManager's interface on a private bus, and the bus itself.

Owns what the station's modem adapter meets in tests and measurements. Knows nothing of the station.
"""
