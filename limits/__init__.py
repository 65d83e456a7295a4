"""Signal yields, the statistical model of runs, and upper limits."""
