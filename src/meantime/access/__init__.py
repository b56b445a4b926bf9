"""Who may use a server: keys, roles, and how many requests a client may send."""
