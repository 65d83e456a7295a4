"""Background that is expected in the closed region, estimated from what is shown."""
