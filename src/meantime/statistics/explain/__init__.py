"""How a number was computed: steps in words, programs, and the rows of the file that it rests on."""
