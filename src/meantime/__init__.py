"""Meantime: statistics over indicator data, in the meantime."""
