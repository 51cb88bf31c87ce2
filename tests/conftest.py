"""What all tests share."""

from hypothesis import settings

settings.register_profile("no_stopwatch", deadline=None)
settings.load_profile("no_stopwatch")
