"""Batches: many runs of one entry point, a parent run with one child for each point of a space of parameters.

The room is not called `batch`: importing a package of that name would put it in the place of the function `nbproj.batch` (decision 8).
"""
