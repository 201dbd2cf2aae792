"""Completion by the tab key, in shells and in IPython: what a command line could mean next. A project is read, never executed."""
