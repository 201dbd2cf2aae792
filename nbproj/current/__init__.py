"""The notebook that is open in front of the user: which file it is, and whether that file holds what was run."""
