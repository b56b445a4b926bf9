"""The front door: parse, call, encode. No arithmetic, no SQL, no threads."""
