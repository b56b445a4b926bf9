"""What is known without the files, as data: places, related questions, standard populations, units and polarity."""
