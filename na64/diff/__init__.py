"""Two runs compared: their numbers and the events that moved."""
