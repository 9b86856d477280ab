"""That shot again: which shots show what another one shows, within a title, across the catalogue, in milliseconds.

`model.py` holds what was trained: a head that turns the embedding of a frame into a binary code, and three numbers that
weigh how alike two shots look and how well their pictures coincide. `comparison.py` decides about pairs of shots,
`codes.py` finds the few pairs of a large catalogue that are worth deciding about. All of it was trained on made-up
set-ups (`training/`), no frame of which comes from a film that a benchmark reads.
"""
