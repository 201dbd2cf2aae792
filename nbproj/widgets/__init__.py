"""What a notebook shows that can be worked with: forms, the live card of a run, the panel of runs. Each leaves text and HTML without a kernel."""
