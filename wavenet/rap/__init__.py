r"""Relative attributing propagation (RAP): which inputs support a network's output, and which oppose it.

The quantity explained is y = sum_k c_k f_k(x), with a selector c over the outputs. The total relevance, y itself, is
propagated back through the network's graph. A layer has inputs x_i, weights w_ij and contributions z_ij = x_i w_ij (the
bias is not a contribution); it receives relevance R_j at its outputs and passes R_i to its inputs. a ⊘ b is a / b, and
0 where b = 0.

====================  ==================================================================================================
output layer          `rules.absolute_influence`: all relevance starts with the same sign
interior layer        `rules.relative_influence`, then `rules.uniform_shift`: weakly influential neurons become negative
input layer           the interior rule, or `rules.z_b` for bounded inputs
activation, mask      unchanged; likewise dropout, powers, exponentials and other elementwise functions
normalisation         unchanged, its scale held fixed: batch norm (in eval mode), layer, group, instance, RMS norm,
                      x / ‖x‖, and softmax inside a network (AttnLRP)
max pool, max, topk   to the maximum, unless the maximum is zero
average pool, sum     the interior rule, as for the depthwise convolution that does the same; likewise upsampling, and
                      sampling of an image at places, which receive nothing
addition              in proportion to |summand|, in equal parts where all summands are zero
product               all to the signal and none to a gate, which comes from sigmoid or softmax; half to each of two
                      signals
quotient              all to the numerator
matrix product        with a constant, a layer with weights; of two values the interior rule for either, half of R
                      each; after softmax (attention) all to the values
recurrent layers      by their cells' sums and products, so that no relevance passes the gates
Fourier transforms    with what is linear between them one layer, see `rules.spectra`
norm, quantile        x_i times the slope: functions of degree one
reshape, slice, cat   moved with the values; likewise where, gather, scatter, padding of any mode, writes into tensors
====================  ==================================================================================================

An output layer is a layer with weights between which and the output there are no other weights. If the output adds or
concatenates several output layers, y is first split by the rule for the addition or concatenation, and each layer
distributes the part it receives. The selector is propagated with the relevance: transposed through linear operations (a
mask, a scale, a slice), unchanged through activations. An input layer is a layer with weights that has no other weights
before it.

Differences from the authors' version. Their `weight` split passes the whole relevance to both the half x >= 0 and the
half x < 0, which doubles it; here each R_j is divided between the halves in proportion to their influence, which
changes nothing where x >= 0. They also distribute the output layer's bias: for one output and x >= 0 that is a common
factor, removed by the normalisation.

What it cannot tell. The uniform shift makes negative what it takes away, so that sum |R| grows by a factor of about
1.2 in each convolution: `Attribution.growth` has it, 1e4 times the output for ResNet50. And after some layers the map
hardly depends on the output explained: those of the two classes in a picture of two shapes have a cosine of 0.99
(LRP-epsilon: -0.71), those of two outputs of the forward model 0.99997. `RAP.contrast` subtracts what two outputs
share.

Relevance is computed in float64, whatever the types of the model's numbers, unless float32 is requested. The forward is
recorded while it runs, see `recording`; nothing of the model is changed, and threads do not disturb each other. Cases
must not depend on each other: that is checked. Where the batch axis moves on the way, each case is explained alone.

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

from .backward import LayerRelevance
from .explainer import RAP, attribute
from .nodes import UnsupportedOperation
from .propagation import Attribution
from .rules import INPUT_RULES, SPLITS

__all__ = ["INPUT_RULES", "RAP", "SPLITS", "Attribution", "LayerRelevance", "UnsupportedOperation", "attribute"]
