"""Files that several processes or machines read: each makes a tally of its file, and Meantime goes on with those.

``address`` says where they are, ``orders`` what is sent to them and back, ``tallying`` makes the tally of a file in a
child process, ``worker`` is what a worker runs, ``local_workers`` and ``dask_workers`` send it to processes here and to
Dask, and ``gathering`` puts tallies together. ``shared_files`` finds the rows of a file again when somebody asks.
"""
