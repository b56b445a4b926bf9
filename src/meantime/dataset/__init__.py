"""A file becomes a snapshot: look, read, roll up, keep."""
