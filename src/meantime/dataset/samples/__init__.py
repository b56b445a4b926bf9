"""Made tables: two worked examples, small enough to follow by hand, and a synthetic table of any length."""
