"""Calls functions of pdfium without pypdfium2's prototypes. Such a call takes less than half of the time, and a page
takes several for each of its characters.

The arguments are plain numbers for a C int, or come from `argument`. A number is not checked, so a wrong one crashes
the process. Only `text_layer` calls this way.
"""

from __future__ import annotations

import ctypes
from typing import Any


def direct(call: Any, result: Any = ctypes.c_int) -> Any:
    """Returns a function of `pypdfium2.raw` that returns a C type and is called with plain arguments. It keeps the lock
    of the interpreter, because it is short.
    """
    function = ctypes.PYFUNCTYPE(result)(ctypes.cast(call, ctypes.c_void_p).value or 0)
    # Without types for its arguments, they are passed on as they are, and nothing is made for each call.
    function.argtypes = None  # type: ignore[assignment]
    return function


def argument(handle: Any) -> Any:
    """Returns an address as an argument: of a handle of pypdfium2, or a number. It is made once and used many times.
    The caller keeps what is at this address.
    """
    return ctypes.c_void_p.from_param(handle if isinstance(handle, int) else ctypes.cast(handle, ctypes.c_void_p).value)
