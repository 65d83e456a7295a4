"""Formulas of particle physics with a reference each."""
