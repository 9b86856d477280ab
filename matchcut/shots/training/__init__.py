"""How the boundary network is trained: made-up film with exact truth, and the loop that learns from it.

The network that ships was trained in nine goes while the made-up films were being improved, each from where the one
before had ended: 1,020 steps at a learning rate of 0.0025; 1,700, 1,300, 300 of a run of 2,600 that was broken off, and
1,500 at 0.002; 900 at 0.0015; 2,800 at 0.002; 2,400 at 0.0018; and 800 at 0.0012; with the seeds 20261124 and 2 to 9,
the first two with a weight of 2 for missed cuts. Fast takes, large words, moving light and smoke came with the fifth,
twice the photos and ten takes of real film with the seventh, other parts of the same place with the eighth, in which
another stretch of one real film was a cut too. The weights of the last two are averaged (`average.py`): of the last
three and their averages this has the least loss on made-up films that none was trained on (0.1061; the ninth alone
0.1062, the eighth 0.1069, the seventh 0.1118, the sixth 0.1235).
"""
