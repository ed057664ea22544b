"""A .keras file from a stranger: archive, configuration and weights are checked before anything is built."""
