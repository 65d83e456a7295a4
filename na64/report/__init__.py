"""The report of a run, and the run directory around it."""
