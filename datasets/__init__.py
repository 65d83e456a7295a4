"""What is read: layouts, setups, periods, samples."""
