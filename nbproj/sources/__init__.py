"""Where a project comes from: folders, Git, archives, single notebooks."""
