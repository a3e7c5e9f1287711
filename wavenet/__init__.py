"""Neural surrogates of duct acoustics: networks, constraints, training and Relative Attributing Propagation.

Not the audio network of the same name.
"""

__version__ = "0.3.0"
