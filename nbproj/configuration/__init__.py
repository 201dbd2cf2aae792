"""What a user has set once for every front door: by NBPROJ_* variables, and in `jupyter_nbproj_config.py`. Costs nothing where nothing is set."""
