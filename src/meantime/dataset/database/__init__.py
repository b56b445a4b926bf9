"""Tables in databases: counted there, kept here as a tally, which is read like any other file."""
