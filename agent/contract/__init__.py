"""The wire between station and source system, version 1: typed messages, topics, envelope.

Used alike by the agent, the simulator and the district tools. Nothing here reads a clock, a
file or a socket.
"""
