"""Intermediaries that misbehave: what streams meet between client and server.

with rtlab.Middlebox(lab.url("sse"), "buffering") as box:
    ...                              # box.url instead of lab.url("sse")
    box.log                          # what it did
"""

from rtlab.middlebox.box import Middlebox
from rtlab.middlebox.kinds import KINDS
from rtlab.middlebox.survey import survey

__all__ = ["KINDS", "Middlebox", "survey"]
