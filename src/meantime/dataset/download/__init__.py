"""Tables at web addresses, and whole tables of data portals: downloaded, checked, and kept as files."""
