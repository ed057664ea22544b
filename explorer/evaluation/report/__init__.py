"""The report of an evaluation: HTML, with charts and pictures."""
