"""Ducts whose walls have a thickness: corrections to the exact solution of the thin wall, learned from few solutions.

Everything is in X = x / sqrt(1 - M^2) and K = ka / sqrt(1 - M^2), where uniform flow is no flow.
"""
