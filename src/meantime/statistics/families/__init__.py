"""The statistics, a file for each; the nine classic ones share theirs."""
