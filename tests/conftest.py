"""What holds for every test."""

from hypothesis import HealthCheck, settings

from tests import clients

# A test says the same each time; a busy machine is no reason to fail.
settings.register_profile(
    "steady",
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")
clients.share()
