"""Give free memory back to the system between the steps that read large files."""

import ctypes
from contextlib import suppress


def return_memory() -> None:
    """Give memory that is free back to the system, where the C library can (Linux).

    Columns of a million cells leave gaps between one another, which glibc keeps: a fifth of all.
    """
    with suppress(OSError, AttributeError, TypeError):  # Windows, macOS, another C library
        ctypes.CDLL(None).malloc_trim(0)
