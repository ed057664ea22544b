"""A result drawn: overlays, charts, a sheet, and the files to take home."""
