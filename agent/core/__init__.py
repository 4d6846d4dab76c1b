"""Everything that is decided, and nothing that is done: no I/O, no clock, no threads, no chance.

Time, random numbers, time zones and the signature check come in as arguments.
"""
