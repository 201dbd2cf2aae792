"""The record of runs: the store, who owns a run, what may never be written."""
