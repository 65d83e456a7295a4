"""What a person touches: the command, run directories, plots and reports."""

__version__ = "0.1.0"
