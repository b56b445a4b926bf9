"""/v1/datasets: what is served, what is in it, which lines were rejected, and reading its files again."""
