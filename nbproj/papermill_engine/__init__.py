"""papermill on nbproj's kernels: `papermill --engine nbproj`."""
