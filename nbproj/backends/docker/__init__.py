"""A run in a container: what it sees of this machine, how it reaches its store, how it is created."""
