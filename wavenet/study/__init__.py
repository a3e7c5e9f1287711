"""Where solver, datasets and networks meet: what commands and the page compute."""
