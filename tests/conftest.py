"""What every test shares: how Hypothesis behaves on a machine that is slow or busy."""

from hypothesis import HealthCheck, settings

# A first run makes Hypothesis' tables of characters (seconds), and the cores may belong to somebody else: neither is a
# finding. No test asserts a time.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
