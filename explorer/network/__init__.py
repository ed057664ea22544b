"""A Keras model seen from outside: the only package, with models, that knows a framework."""
