"""HDF5 datasets of Wiener–Hopf solutions: `recipe` says what to sample, `generate` computes and writes it, `format` is
the file's one description, `read` checks a file and reads it. Only `generate` needs the solver."""
