"""The classic API: its contract, its endpoints, and the carrier that serves them inside Flask."""
