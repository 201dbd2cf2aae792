"""Where an entry point runs: one provider a kind of environment."""
