"""Figures of a run and of the beam line, and the style that all figures share."""
