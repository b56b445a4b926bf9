"""Pure functions over a snapshot, and the check of what is asked of them."""
