"""Acceptance by simulation: do the honest statistics do what they promise, where the truth is known?"""
