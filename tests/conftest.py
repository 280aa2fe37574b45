"""What every test shares: byte code, Hypothesis on a busy machine, and how rarely garbage is looked for."""

import gc
import os
import sys

from hypothesis import HealthCheck, settings

# Programs that the tests start have byte code, as those that people start: without, each of hundreds compiles itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A first run makes Hypothesis' tables of characters (seconds), and the cores may belong to somebody else: neither is a
# finding. No test asserts a time.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_finish() -> None:
    """What all tests share is no garbage: to look it through again and again was a third of the time of a key test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
