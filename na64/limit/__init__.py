"""Exclusion limits: inputs from run directories, scan, tables, figures."""
