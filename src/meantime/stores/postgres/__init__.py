"""Jobs that several hosts share, in PostgreSQL: imported only if the setting ``jobs`` names a database.

``store`` is the face: a JobStore and a HostGroup. ``writer`` has the one thread that changes anything and hears what
others have changed; ``transactions`` commits calls in groups, ``neighbors`` knows who else is there, and ``wakeups``
listens for other hosts. ``database`` opens connections and makes the schema, ``errors`` knows which troubles pass, and
``rows`` turns records into rows and back. ``host_results`` gets results from the hosts that have them.
"""
