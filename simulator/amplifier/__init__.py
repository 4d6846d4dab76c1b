"""A virtual amplifier controller: `model` (the equipment), `unit` (one on a pty), faults.

`python -m simulator.amplifier --link PATH` runs one; `PtyAmplifier` runs one in a thread;
`MemoryController` stands in for client, link and equipment together.
"""
