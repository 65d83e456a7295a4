"""The search for a bump in the missing energy: window, tables, figures."""
