"""A data set: how a file is read, what is kept of it, and which snapshot answers a request."""
