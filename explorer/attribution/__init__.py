"""The mathematics: arrays in, arrays out; no model, no file."""
