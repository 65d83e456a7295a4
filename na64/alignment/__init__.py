"""What an alignment found: tables and figures."""
