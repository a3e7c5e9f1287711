r"""Relative attributing propagation (RAP): which inputs made the network say that, and which spoke against it.

Explained is y = sum_k c_k f_k(x), with a selector c over the outputs. The total relevance, y itself, travels back
through the network's graph. In a layer with inputs x_i, weights w_ij and contributions z_ij = x_i w_ij (the bias is
none), R_j arrives and R_i leaves; a ⊘ b is a / b, and 0 where b = 0.

====================  ==================================================================================================
output layer          `rules.absolute_influence`: all relevance starts with one sign
interior layer        `rules.relative_influence`, then `rules.uniform_shift`: weakly influential neurons turn negative
input layer           the interior rule, or `rules.z_b` for bounded inputs
activation, mask      relevance passes; so it does through batch norm and dropout, which must be in eval mode
max pool              to the winner, unless the winner is zero
average pool, sum     in proportion to contributions; so it goes through an upsampling
addition              in proportion to |summand|, in equal parts where all are zero
reshape, slice, cat   as the indices go
====================  ==================================================================================================

An output layer is a layer with weights that relevance reaches only from the output, with no other weights in between.
If the output adds or joins several of them, y is first split by the rule of the addition or the index, and each takes
the total it gets. The selector follows: transposed through what is linear (a mask, a scale, a slice), unchanged
through activations. An input layer is a layer with weights that has no other weights before it.

Where this departs from the authors. Their `weight` split hands the whole relevance to both the half x >= 0 and the half
x < 0 and so doubles it; here each R_j is shared between the halves in proportion to their influence, which changes
nothing where x >= 0. They share the output layer's bias out as well: for one output and x >= 0 that is a common factor,
lost in the normalisation. Sums that cancel to rounding in an average are zero for ⊘.

Relevance is computed in float64, on a copy of the model if its own numbers are shorter, unless float32 is asked for.

References
----------
W.-J. Nam, S. Gur, J. Choi, L. Wolf, S.-W. Lee, Relative attributing propagation: interpreting the comparative
contributions of individual units in deep neural networks, AAAI (2020), arXiv:1904.00605.

>>> import torch
>>> model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)).eval()
>>> relevance, miss = RAP(model).attribute(torch.ones(2, 3), target=1, return_convergence_delta=True)
>>> relevance.shape, bool((miss.abs() < 1e-6).all())
(torch.Size([2, 3]), True)
"""

from .explainer import RAP, attribute
from .graph import UnsupportedOperation
from .propagation import Attribution, LayerRelevance
from .rules import INPUT_RULES, SPLITS

__all__ = ["INPUT_RULES", "RAP", "SPLITS", "Attribution", "LayerRelevance", "UnsupportedOperation", "attribute"]
