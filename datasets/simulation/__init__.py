"""A parametrised simulation of the experiment: events as arrays, from the beam to the digits of a file."""
