"""How loud a programme is: measured once, off the sound path, in a process of its own."""
