"""Who runs an entry point: found by name, given a request, handing back a run."""
