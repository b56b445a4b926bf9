"""Formats whose library takes long to import, or draws in a process of its own: imported when one is written."""
