"""The Python client: knows the server only by HTTP."""
