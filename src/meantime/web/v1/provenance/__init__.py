"""The rows of the file that an answer rests on, and how it was computed."""
