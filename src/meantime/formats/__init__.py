"""Table to bytes."""
