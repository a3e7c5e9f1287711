"""Lined ducts: liners between hard walls and the open end, without and with flow, and lined hubs.

`section` holds the waves of one liner and their scattering at its ends, `cascade` joins liners and the open end, and
`solution` is what `solve` returns. Modules whose names begin with `flow_` do the same for uniform flow.
"""
