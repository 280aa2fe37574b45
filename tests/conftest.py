"""What every test shares: Hypothesis on a machine that is slow or busy, and how rarely garbage is looked for."""

import gc

from hypothesis import HealthCheck, settings

# A first run makes Hypothesis' tables of characters (seconds), and the cores may belong to somebody else: neither is a
# finding. No test asserts a time.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_finish() -> None:
    """What all tests share is no garbage: to look it through again and again was a third of the time of a key test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
