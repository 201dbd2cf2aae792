"""A table of runs and its front end in conversation: questions come as plain values, answers go as plain values, whoever carries them."""
