"""HDF5 datasets of Wiener–Hopf solutions.

`tasks` holds a file for each task, which describes its arrays and computes them. `recipe` defines what is sampled,
`sampling` draws the cases, `shards` computes a few at a time on the workers of `cluster`, `journal` records finished
shards, and `generate` runs all this, alone (`locks`) and until a signal (`interrupts`), and joins the shards. `layout`
creates the arrays of a file, `summary` writes its provenance and statistics, `read` checks and reads it (with
`checking` and `hdf5`), `card` describes it in prose.
`convert` reads and writes the study's MATLAB layout, `field` single fields, `microphones` the pressures of an array.
Reading and the card do not need the solver.
"""
