"""The wire between client and server: it records, and it can be made worse."""

from rtlab.link.impairment import PROFILES, Impairment, Profile
from rtlab.link.recording import Connection, Recording, Segment, Totals
from rtlab.link.relay import Link

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
