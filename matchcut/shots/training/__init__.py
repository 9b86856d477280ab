"""How the boundary network is trained: made-up film with exact truth, and the loop that learns from it.

The network that ships was trained in three goes while the made-up films were being improved, each from where the one
before had ended: 1,020 steps at a learning rate of 0.0025, 1,700 and 1,300 at 0.002, with the seeds 20261124, 2 and 3;
the first two with a weight of 2 for missed cuts. The loss had not stopped falling.
"""
