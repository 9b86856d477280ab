"""Candidates as timelines that editing programs open: one module per format, and `write_timelines` for all."""

from matchcut.timelines.write import SUFFIXES, Format, Written, write_timelines

__all__ = ["SUFFIXES", "Format", "Written", "write_timelines"]
