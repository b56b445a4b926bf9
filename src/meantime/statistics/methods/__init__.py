"""The arithmetic: pure functions on arrays, a file for each method."""
