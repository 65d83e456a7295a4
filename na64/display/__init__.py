"""The picture of one event: beam line, tracker planes, calorimeters, and what each cut says."""

from na64.display.page import draw_event, write_pages

__all__ = ["draw_event", "write_pages"]
