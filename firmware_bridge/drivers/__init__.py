"""Drivers: each speaks one kind of equipment behind the contract in `contract.py`."""
