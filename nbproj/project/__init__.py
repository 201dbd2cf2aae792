"""What a project is: reads files, starts nothing, knows nobody."""
