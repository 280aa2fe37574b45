"""A full disk for one process: no file of it may grow beyond a limit, and the kernel refuses it in the same way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

FULL_BYTES = 8_000


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """While this lasts, no file that the process writes grows beyond `FULL_BYTES`: "File too large"."""
    if sys.platform != "linux":
        pytest.skip("the limits of another process can be set on Linux only")
    import resource  # noqa: PLC0415 - not on every system

    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL_BYTES, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
