"""How one entry point runs in one environment: processes, scripts, notebooks."""
