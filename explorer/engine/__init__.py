"""One question, one result: what is looked at, the path through the network, the maps."""
