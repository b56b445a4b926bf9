"""Statistics: pure functions over a snapshot, and the check of requests for them."""
