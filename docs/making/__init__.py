"""How the documentation is made: pages of the code, transcripts, pictures."""
