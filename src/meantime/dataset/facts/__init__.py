"""What is known beside the files, as data: places, related questions, standard populations, units and polarity."""
