"""The science of match cuts: plain functions and small frozen dataclasses, NumPy or torch in and out.

Nothing here imports Dagster or `resources`; one file (or folder) per stage, in the order of the graph.
"""
