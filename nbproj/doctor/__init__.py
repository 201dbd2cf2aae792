"""What is there of all that nbproj can use, what is missing, and what to do: looked at without starting, changing or fetching anything."""
