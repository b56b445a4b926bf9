"""The classic API: its contract, its endpoints, and the module that serves them in Flask."""
