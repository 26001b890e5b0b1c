"""Page reading: a snapshot in, a reading out. Pure: no browser, no clock, no network."""

from flows.engine.reading.reader import read, signature

__all__ = ["read", "signature"]
