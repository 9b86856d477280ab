"""Representations and how they are compared: one file per flavor, listed in `matchcut/flavors.py`."""
