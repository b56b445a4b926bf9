"""The explorer: a page that asks the v1 API. What is here hands its files out; what it does is in ``static/``."""
