"""The table of operations: which rule, by its name in `rules.RULES`, each function or module has."""

from functools import partial
from typing import Any

# Modules that have a rule as a whole. Torch's own need none: the functions that they call are recorded.
MODULES: dict[type, str] = {}

# Names of functions in torch and torch.nn.functional, of methods, and of operators without their underscores.
NAMES: dict[str, str] = {
    "linear": "linear",
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution": "convolution",
    "relu relu6 leaky_relu prelu elu selu celu gelu silu mish tanh sigmoid logsigmoid softplus softsign hardtanh"
    " hardsigmoid hardswish tanhshrink softshrink hardshrink rrelu clamp clamp_min clamp_max"
    " dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout"
    " contiguous clone detach to type type_as float double half bfloat16 data positive real conj"
    " abs square sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh asinh acosh"
    " atanh erf erfc erfcx erfinv reciprocal sinc nan_to_num fill_diagonal deg2rad rad2deg logit lgamma digamma ndtr"
    " log_ndtr entr i0 i0e i1 i1e bessel_j0 bessel_j1 bessel_y0 bessel_y1"
    " fake_quantize_per_tensor_affine fake_quantize_per_channel_affine": "elementwise",
    "neg": "affine",
    "pow float_power": "power",
    "mul": "product",
    "div": "quotient",
    "matmul mm bmm mv dot vdot inner outer einsum tensordot kron cross linalg_cross linalg_vecdot linalg_multi_dot"
    " chain_matmul": "matrix",
    "batch_norm": "batch norm",
    "layer_norm group_norm instance_norm rms_norm local_response_norm normalize": "norm",
    "softmax log_softmax softmin": "softmax",
    "max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"
    " max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices"
    " adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices"
    " max min amax amin maximum minimum fmax fmin topk kthvalue median nanmedian mode cummax cummin": "winner",
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d mean sum"
    " interpolate upsample fold cumsum grid_sample trace nansum nanmean trapezoid trapz"
    " cumulative_trapezoid": "average",
    "add sub": "add",
    "cat stack hstack vstack dstack column_stack reshape reshape_as view view_as flatten unflatten ravel permute"
    " movedim moveaxis transpose swapaxes swapdims t unsqueeze squeeze expand expand_as broadcast_to repeat"
    " repeat_interleave tile chunk split split_with_sizes tensor_split unbind narrow select index_select flip"
    " fliplr flipud roll pad pixel_shuffle pixel_unshuffle channel_shuffle getitem setitem copy overlay where"
    " masked_fill masked_select gather take take_along_dim scatter index_copy index_put as_strided unfold im2col"
    " T mT H mH diagonal diag diag_embed tril triu rot90 sort slice masked_scatter index_fill select_scatter"
    " slice_scatter atleast_1d atleast_2d atleast_3d fill zero msort broadcast_tensors meshgrid"
    " pack_padded_sequence pad_packed_sequence hsplit vsplit dsplit unsafe_split unsafe_chunk adjoint constant_pad_nd"
    " diagonal_scatter as_strided_scatter block_diag put max_unpool1d max_unpool2d max_unpool3d": "index",
    "index_add scatter_add": "accumulate",
    "norm linalg_norm linalg_vector_norm linalg_matrix_norm vector_norm std hypot quantile nanquantile dist lp_pool1d"
    " lp_pool2d lp_pool3d scatter_reduce": "homogeneous",
    "fft_fft fft_ifft fft_fft2 fft_ifft2 fft_fftn fft_ifftn fft_rfft fft_irfft fft_rfft2 fft_irfft2 fft_rfftn"
    " fft_irfftn fft_hfft fft_ihfft fft_fftshift fft_ifftshift complex view_as_complex view_as_real imag resolve_conj"
    " resolve_neg polar stft istft": "spectrum",
}
KINDS: dict[str, str] = {name: kind for names, kind in NAMES.items() for name in names.split()}

_ALIASES = {
    "subtract": "sub",
    "rsub": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "truediv": "div",
    "rtruediv": "div",
    "rdiv": "div",
    "radd": "add",
    "iadd": "add",
    "rmul": "mul",
    "imul": "mul",
    "rpow": "pow",
    "rmatmul": "matmul",
    "negative": "neg",
    "pos": "positive",
    "log_sigmoid": "logsigmoid",
    "floordiv": "floor_divide",
    "rfloordiv": "floor_divide",
    "concat": "cat",
    "concatenate": "cat",
    "clip": "clamp",
    "absolute": "abs",
    "expit": "sigmoid",
    "unsafe_view": "view",
    "to_copy": "to",
    "native_layer_norm": "layer_norm",
    "native_group_norm": "group_norm",
    "native_batch_norm_legit_no_training": "batch_norm",
}
# Their results have the shape of a tensor, but do not depend on its values, or only in steps.
_CONSTANT = (
    "zeros_like ones_like full_like empty_like rand_like randn_like randint_like new_zeros new_ones new_full "
    "new_empty new_tensor sign sgn floor ceil round trunc heaviside floor_divide bernoulli"
)
CONSTANT = set(_CONSTANT.split())
# They make floating-point tensors from none.
_FACTORIES = (
    "zeros ones full empty rand randn linspace logspace arange tensor as_tensor from_numpy scalar_tensor eye "
    "hann_window hamming_window zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones "
    "new_full new_empty new_tensor complex polar"
)
FACTORIES = set(_FACTORIES.split())
# Their results are no tensors: what is computed from them cannot be traced back.
LEAVING = {"item", "tolist", "numpy", "__array__", "__float__", "__int__", "__complex__"}
# They change the type only, which is kept at that of the computation.
CASTS = {"float", "double", "half", "bfloat16", "to", "type", "type_as", "cfloat", "cdouble"}
# They take type, shape or places from a second tensor, and no values.
LIKE = {"to", "type_as", "expand_as", "view_as", "reshape_as", "grid_sample"}
# What multiplies a signal after one of these says how much of it passes.
GATES = {"sigmoid", "hardsigmoid", "softmax", "softmin"}


def canonical(function: Any) -> str:
    """The name of a function, method or operator in the table: `add` for torch.add, x.add_(y), x + y and aten.add."""
    while isinstance(function, partial):
        function = function.func
    name = _plain(function) if isinstance(function, str) else getattr(function, "__name__", type(function).__name__)
    if name in ("__get__", "__set__"):
        name = function.__self__.__name__
    name = name.partition(".")[0]
    if name in LEAVING:
        return name
    plain = name.strip("_").removeprefix("special_")
    return _ALIASES.get(plain, plain)


def _plain(path: str) -> str:
    """The name that torch gives a function: `gelu` for F.gelu, `fft_rfft` for torch.fft.rfft."""
    *rooms, name = path.split(".")
    return f"{rooms[-1]}_{name}" if rooms and rooms[-1] in ("fft", "linalg") else name
