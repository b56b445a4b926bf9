"""Which cells of the table a request is about, and on which of them a number rests."""
