"""A real Kubernetes for tests: its programs built once for this machine, started on ports and an engine of their own, ended by pid."""
