"""The life of jobs: accepted, queued, worked on, ended, removed.

``engine.Engine`` is the face. Each concern has its own file:

* ``submission`` accepts requests, ``idempotency`` makes jobs once for each key
* ``scheduler`` lets jobs wait for a thread or for their data set, in ``queue``; in ``lines`` clients take turns
* ``working`` is what the threads of ``thread_pool`` do, with ``task_runner`` for one job
* ``commits`` changes the records of jobs: in the store first, then in memory
* ``cancellations`` cancels jobs
* ``removal`` removes ended jobs, when a client asks or when ``retention`` says so; ``clock_watch`` says whether the
  clock can be believed
* ``recovery`` takes over the jobs of the last server, ``retry`` decides what runs again and when
* ``lookup`` describes and finds jobs, ``lost_results`` computes results again whose files are gone
* ``other_hosts`` applies to memory what other hosts do, where several share the store
* ``events`` calls back those who watch or follow jobs
* ``lifecycle`` knows whether the engine accepts, works, stops or is broken
* ``jobs`` and ``job_index`` are what memory knows of jobs, ``ports`` what the engine needs from others
* ``wiring`` makes an engine of all these parts

There is one lock, ``Lifecycle.lock``. It is held to look at or change memory for a moment, and never while calling out:
to the store, the gate, a watcher, the observer, or the work itself. So none of these can wait for the engine while the
engine waits for them. Two kinds of classes follow from it, and each says which it is:

* *guarded by the engine's lock*: plain data, and the caller holds the lock (``JobIndex``, ``JobQueue``, ``Retention``,
  ``ClockWatch``, ``Backoff``, the flags of ``Lifecycle``)
* *takes the engine's lock itself*: the caller must not hold it (all the others)

Memory never runs ahead of the disk: the store is asked for every change first, and the change is applied and announced
when it is committed, in the order of the commits.
"""
