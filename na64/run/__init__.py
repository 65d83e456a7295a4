"""Run directories and what identifies them: read, written, resumed, frozen."""
