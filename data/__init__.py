"""HDF5 datasets of Wiener–Hopf solutions.

`tasks` holds a file for each task, which describes its arrays and computes them. `recipe` says what to sample,
`sampling` draws the cases, `shards` computes a few at a time on the workers of `cluster`, `journal` keeps those that
are done, and `generate` runs all this and joins the shards. `layout` creates the arrays of a file, `summary` writes its
provenance and statistics, `read` checks and reads it (by `checking` and `hdf5`), `card` describes it for people.
`convert` reads and writes the study's MATLAB layout, `field` single fields, `microphones` the pressures of an array.
Reading and the card do not need the solver.
"""
