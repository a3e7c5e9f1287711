"""The page of `wavenet explore`.

`wavenet.study.bench` computes its numbers, `figures` draws, `texts` writes, `layout` has the controls, `server` joins
them.
"""
