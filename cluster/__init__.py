"""Meantime on several machines, with processes on one: ``python -m cluster`` is the acceptance test of docs/cluster.md.

``services`` runs the commands of deploy/compose.yaml here, and ``acceptance`` asks of them what the document promises.
"""
