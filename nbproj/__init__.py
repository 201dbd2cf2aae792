"""nbproj."""
