"""Reconstruction: arrays in, arrays out."""
