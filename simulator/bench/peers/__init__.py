"""Our sound against that of other players: starts, steps between two, and what each costs.

Peers are only run as programs, as their packages install them. Nothing here is imported by the
agent, and nothing of a peer is needed to run it.
"""
