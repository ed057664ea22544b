"""The embedded classifier's world: labelled scenes drawn from a seed, and the network that learns them."""
