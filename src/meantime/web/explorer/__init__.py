"""The explorer, a web page that uses the v1 API. This package serves its files, which are in ``static/``."""
