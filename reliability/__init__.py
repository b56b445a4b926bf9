"""Meantime under fault: harnesses that break it in every way that is known, and check what it promises.

``make crash`` and ``make faults`` run them; docs/reliability.md has what they found.
"""
