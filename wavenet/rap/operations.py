"""The table of operations: which rule propagates relevance through which module, function or method."""

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

ELEMENTWISE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Tanhshrink),
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout),
)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
MODULES: dict[type, str] = {
    nn.Linear: "linear",
    **dict.fromkeys(CONVOLUTIONS + TRANSPOSED, "convolution"),
    **dict.fromkeys(ELEMENTWISE, "elementwise"),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), "affine"),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), "winner"),
    **dict.fromkeys((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d), "winner"),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), "proportional"),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), "proportional"),
    nn.Upsample: "proportional",
    **dict.fromkeys((nn.Flatten, nn.Unflatten, nn.PixelShuffle, nn.PixelUnshuffle), "index"),
    **dict.fromkeys((nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d), "index"),
    **dict.fromkeys((nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d), "index"),
    **dict.fromkeys((nn.CircularPad1d, nn.CircularPad2d), "index"),
}

NAMES: dict[str, str] = {  # names of functions in torch and torch.nn.functional, and of methods
    "linear": "linear",
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d": "convolution",
    "relu relu6 leaky_relu prelu elu selu celu gelu silu mish tanh sigmoid logsigmoid softplus softsign hardtanh"
    " hardsigmoid hardswish tanhshrink clamp clip sin dropout dropout1d dropout2d dropout3d alpha_dropout"
    " contiguous clone detach to type type_as float double": "elementwise",
    "neg negative mul multiply div divide true_divide": "affine",
    "max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d": "winner",
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d interpolate"
    " upsample mean sum": "proportional",
    "add sub subtract rsub": "add",
    "cat concat concatenate stack reshape reshape_as view view_as flatten unflatten ravel permute movedim moveaxis"
    " transpose swapaxes swapdims unsqueeze squeeze expand expand_as broadcast_to repeat tile chunk split tensor_split"
    " unbind narrow select index_select flip roll pad pixel_shuffle pixel_unshuffle": "index",
}
METHODS: dict[str, str] = {name: kind for names, kind in NAMES.items() for name in names.split()}
FUNCTIONS: dict[Any, str] = {
    **{
        getattr(place, name): kind
        for name, kind in METHODS.items()
        for place in (torch, F, torch._C._nn)  # the last is where some of F call to, and has no public name
        if hasattr(place, name)
    },
    **dict.fromkeys((operator.add, operator.sub), "add"),
    **dict.fromkeys((operator.mul, operator.truediv, operator.neg), "affine"),
    **dict.fromkeys((operator.pos, torch.conj, torch.real), "elementwise"),
    operator.getitem: "index",
}
# Their results have the shape of a tensor, but do not depend on its values.
CONSTANT = {"zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_tensor"}
# Their results are no tensors: what is computed from them cannot be traced back.
LEAVING = {"item", "tolist", "numpy", "__array__", "__float__", "__int__", "__complex__"}
# They change the type only, which is kept at that of the computation.
CASTS = {"float", "double", "to", "type", "type_as"}
QUOTIENTS = {operator.truediv, torch.div, torch.divide, torch.true_divide, "div", "divide", "true_divide"}
