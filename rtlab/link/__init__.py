"""The wire between client and server: it records, and it can be made worse."""

from rtlab.link.impairment import PROFILES, Impairment, Profile
from rtlab.link.recording import Recording
from rtlab.link.relay import Link
from rtlab.link.segment import Connection, Segment, Totals

__all__ = [
    "PROFILES",
    "Connection",
    "Impairment",
    "Link",
    "Profile",
    "Recording",
    "Segment",
    "Totals",
]
