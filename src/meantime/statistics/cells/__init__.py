"""Which cells of the table a request selects, and on which of them a number rests."""
