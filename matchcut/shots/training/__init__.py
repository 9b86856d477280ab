"""How the boundary network is trained: made-up film with exact truth, and the loop that learns from it."""
