"""Efficiencies: factors of a cut-flow, corrections, figures."""
