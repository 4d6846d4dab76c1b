"""The source-system API (HTTTN) as a second uplink beside MQTT, in both dialects seen in practice.

`mapping` is the one table of which of our fields becomes which of theirs; `tables` their codes;
`times` their ways to write time; `dialect_a`/`dialect_b` build messages and read answers without
I/O; `client` speaks HTTP; `uplink` stores and forwards. What may be asked of the station this way
is decided in `agent.core.source_desk`, never here.
"""
