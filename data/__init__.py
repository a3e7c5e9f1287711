"""HDF5 datasets of Wiener–Hopf solutions.

`recipe` says what to sample, `sampling` draws it, `shards` computes it piece by piece, `generate` runs that and joins
the pieces; `layout` is the file's one description, `summary` what a file says of itself, `read` checks a file and reads
it, `card` describes it to people, `convert` knows the study's MATLAB layout, `field` writes single fields. Reading and
the card do not need the solver.
"""
