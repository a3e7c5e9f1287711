"""The page of `wavenet explore`: `compute` has its numbers, `figures` its pictures, `layout` its controls, `server`
joins them.
"""
