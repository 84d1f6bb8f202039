"""Draws the embedded sample: a small archive of cars and tanks, with the dirt of the real web.

`make sample` runs it.

Nothing here reads an archive or knows what is trained on it.
"""

from tools.draw_sample.archive import content_of, write_sample

__all__ = ["content_of", "write_sample"]
