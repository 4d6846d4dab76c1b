"""Measurements that need no station: run each as `python -m simulator.bench.<name>`."""
