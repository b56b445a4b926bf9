"""How a number came about: its steps in words, as programs, and the rows of the file that it rests on."""
