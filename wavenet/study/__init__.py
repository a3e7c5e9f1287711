"""The study: where the exact solver, the datasets and the networks meet.

Everything a command computes is a function here, for use from Python as well: `comparison` and `verdict` (a network
against the exact solution and other methods), `relevance` (attribution of one output), `differentiation`, `prediction`
and `detection` (the shipped networks at work), `solution` (the solver), `validity` (checks against the training's
ranges), `bench` (the numbers of `wavenet explore`),
`conversion` (PyTorch's format of datasets). `pictures`, `report` and `page` show these results.

This room may import `analytic`, `data` and the rest of `wavenet`; only `wavenet.cli` may import it.
"""
