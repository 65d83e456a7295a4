"""The optimisation of cuts: task, tables, figures."""
