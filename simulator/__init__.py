"""Virtual equipment, networks and whole districts; used by tests, demos and engineers."""
