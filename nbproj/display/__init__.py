"""A run and a project as text and JSON: pure functions of plain values."""
