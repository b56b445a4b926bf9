"""Sentences about results: findings, conclusions, warnings."""
