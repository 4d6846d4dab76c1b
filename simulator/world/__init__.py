"""The world under virtual time: the real core, modelled surroundings, every fault from one seed."""
