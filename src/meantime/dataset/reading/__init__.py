"""A file becomes a snapshot: sniff its form, stage its rows, group them into cells."""
