"""Pieces that pages share, or that are large: one file each."""
