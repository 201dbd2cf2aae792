"""Declarations that are edited in a table: read into rows, and written back with all that nobody touched as it was."""
