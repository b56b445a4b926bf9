"""The Python client, which talks to the server only over HTTP."""
