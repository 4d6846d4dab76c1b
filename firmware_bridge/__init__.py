"""The link to amplifier and relay controllers: framing, session, ports and drivers.

Usable without the agent: `python -m firmware_bridge probe`. It imports nothing from the
agent or the simulator. Start reading at `drivers/contract.py` (what is wished and what is
known), then `session.py` (the conversation), then `client.py` (the thread that has it).
"""
