"""The rules: relevance R_i of an operation's inputs from relevance R_j of its outputs.

`operations.NAMES` gives each function the name of a rule, and `RULES` the rule. To add a rule, write it in the module
of its kind and name it here: `weights` has layers with weights, `plain` activations, pools and reshapes, `joined` what
joins several values, `spectra` complex values, `schemes` what differs between RAP and LRP.
"""

from .joined import accumulate, added, average, bicubic, bilinear, power, product, quotient
from .plain import as_indices, by_slope, pass_through, to_winner
from .schemes import INPUT_RULES, SPLITS, AlphaBeta, Epsilon, RelativeAttributing, Scheme
from .step import Rule, Step

RULES: dict[str, Rule] = {
    "elementwise": pass_through,
    "affine": pass_through,
    "batch norm": pass_through,
    "norm": pass_through,
    "softmax": pass_through,
    "index": as_indices,
    "winner": to_winner,
    "average": average,
    "bicubic": bicubic,
    "homogeneous": by_slope,
    "add": added,
    "product": product,
    "quotient": quotient,
    "power": power,
    "bilinear": bilinear,
    "accumulate": accumulate,
}

__all__ = ["INPUT_RULES", "RULES", "SPLITS", "AlphaBeta", "Epsilon", "RelativeAttributing", "Rule", "Scheme", "Step"]
