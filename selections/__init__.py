"""Cuts, cut-flow, regions and blinding."""
