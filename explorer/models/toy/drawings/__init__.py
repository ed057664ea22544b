"""What the objects of a scene look like."""
