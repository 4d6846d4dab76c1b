"""`| head` has seen enough: a command ends without a word about it. For every command line here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def quietly(command: Callable[[], int]) -> int:
    """The command's exit status; 0 when its reader left before it had said everything.

    The last flush belongs in here: the interpreter's own would complain on stderr.
    """
    try:
        try:
            return command()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return 0
