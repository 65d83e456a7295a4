"""Thresholds that promise the best sensitivity, chosen on simulation and on what is shown of the data."""
