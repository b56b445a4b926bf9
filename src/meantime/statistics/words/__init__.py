"""What is said of results: findings, conclusions, warnings."""
