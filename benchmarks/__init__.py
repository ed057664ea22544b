"""What explanations cost, and how exact they are."""

import explorer  # noqa: F401  before Keras: it tells TensorFlow what to compute with
