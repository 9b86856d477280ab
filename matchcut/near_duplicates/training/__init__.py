"""How the model of near-duplicates is trained: made-up set-ups, the loss of hash codes, and the fit of the decision."""
