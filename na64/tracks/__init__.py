"""Track lengths of simulated showers: what `na64 tracks` tells, draws and takes."""
