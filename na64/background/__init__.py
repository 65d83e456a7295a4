"""The background in the signal box: estimate, advice, tables, figures."""
