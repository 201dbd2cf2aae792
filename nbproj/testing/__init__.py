"""What authors of plug-ins test with: contract suites for pytest, which nbproj itself does not need to run."""
