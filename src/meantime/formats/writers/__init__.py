"""Formats whose library takes long to import, or that draw in a separate process. Imported when one is written."""
