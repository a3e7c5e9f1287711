"""A second device, simulated: tensors on it do not mix with the CPU's, and it rounds in its own way.

Its type is "lazy", which PyTorch knows and for which it has no arithmetic. Values are kept on the CPU, behind tensors
that only `Elsewhere` can compute with. As on a GPU,

- an operation on tensors of both devices is refused, except for single numbers and for indices from the CPU;
- numpy cannot read a tensor, which must be brought to the CPU first;
- every result of arithmetic is rounded anew: by up to two units in the last place;
- convolutions and matrix products of single precision keep 10 bits after the leading one (TF32), while the switch that
  PyTorch has for them on NVIDIA GPUs is on.
"""

import contextlib

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("lazy:0")
CONVOLUTIONS = {"convolution", "convolution_backward", "_convolution"}
PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "linear"}
_EXACT = """
clone copy copy_ _to_copy detach alias view _unsafe_view _reshape_alias expand permute t transpose slice select
squeeze unsqueeze split split_with_sizes unbind cat stack index index_put index_put_ index_select index_copy gather
scatter flip roll constant_pad_nd reflection_pad2d diagonal as_strided unfold view_as_real view_as_complex real imag
_conj _neg_view resolve_conj repeat lift_fresh lift_fresh_copy neg abs sign clamp clamp_min clamp_max minimum maximum
where masked_fill masked_fill_ relu threshold_backward max min amax amin max_pool2d_with_indices max_pool3d_with_indices
max_pool2d_with_indices_backward max_pool3d_with_indices_backward adaptive_max_pool2d adaptive_max_pool2d_backward
sort eq ne lt le gt ge isfinite isnan isinf any all count_nonzero nonzero _unique2 bitwise_and bitwise_or bitwise_not
logical_not logical_and logical_or remainder zeros ones full zeros_like ones_like full_like arange eye scalar_tensor
fill fill_ zero_ round floor ceil trunc sgn select_backward slice_backward _local_scalar_dense equal upsample_nearest2d
pixel_shuffle
"""
EXACT = set(_EXACT.split())  # operations that round nothing: they move, select, compare or make values
_MATERIALISED = {"_conj": torch.ops.aten.conj_physical.default, "_neg_view": torch.ops.aten.neg.default}
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}


class MixedDevicesError(RuntimeError):
    """An operation on tensors of two devices."""


class Far(torch.Tensor):
    """A tensor elsewhere; `near` has its values."""

    @staticmethod
    def __new__(cls, near):
        options = {"strides": near.stride(), "storage_offset": near.storage_offset()}
        options |= {"dtype": near.dtype, "layout": near.layout, "device": DEVICE}
        made = torch.Tensor._make_wrapper_subclass(cls, near.shape, **options)
        made.near = near
        return made

    def __deepcopy__(self, memo):
        made = Far(self.near.clone()).requires_grad_(self.requires_grad)
        if getattr(self, "_is_param", False):
            made = torch.nn.Parameter(made, requires_grad=self.requires_grad)
        memo[id(self)] = made
        return made

    def numpy(self, *arguments, **options):
        raise TypeError("can't convert a tensor elsewhere to numpy: bring it to the CPU first")

    __array__ = numpy

    def tolist(self):
        return self.near.tolist()

    def __repr__(self, **options):
        return f"Far({self.near!r})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _call(func, args, kwargs or {}, None)


class Elsewhere(TorchDispatchMode):
    """Within, `DEVICE` exists. seed : of its rounding, None for the CPU's; here : whether the CPU computes so, too."""

    def __init__(self, seed=0, *, here=False):
        super().__init__()
        self.random = None if seed is None else torch.Generator().manual_seed(seed)
        self.here, self.stack = here, contextlib.ExitStack()

    def __enter__(self):
        self.stack.enter_context(_Made())
        return super().__enter__()

    def __exit__(self, *reason):
        super().__exit__(*reason)
        self.stack.close()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _call(func, args, kwargs or {}, self)


class _Made(TorchFunctionMode):
    """Tensors made elsewhere of numbers are made on the CPU and brought there, as PyTorch does for a GPU."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func == torch.Tensor.data.__set__ and isinstance(args[0], Far):  # a module's .to(), in place
            args[0].near = args[1].near
        if func in (torch.tensor, torch.as_tensor, torch.asarray):
            device = kwargs.pop("device", None)
            if device is None or torch.device(device).type == "cpu":
                return func(*args, **kwargs)
            return func(*args, **kwargs).to(device)
        if func is torch.Tensor.new_tensor and isinstance(args[0], Far):
            device = kwargs.pop("device", DEVICE)
            kwargs.setdefault("dtype", args[0].dtype)
            return torch.tensor(*args[1:], **kwargs).to(device)
        return func(*args, **kwargs)


def _call(func, args, kwargs, mode):
    """An operation, where its tensors are."""
    name = func._schema.name.partition("::")[2]
    device = kwargs.get("device")
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    far = any(isinstance(x, Far) for x in tensors)
    if device is not None:
        far, kwargs = torch.device(device).type == DEVICE.type, kwargs | {"device": torch.device("cpu")}
    elif far and name not in ("copy_", "_to_copy"):
        own = args[:1] if name in INDEXED else (args, kwargs)  # indices may be the CPU's
        near = [x for x in tree_leaves(own) if isinstance(x, torch.Tensor) and not isinstance(x, Far) and x.ndim]
        if near or (name in INDEXED and not isinstance(args[0], Far)):
            shapes = [f"{tuple(x.shape)} on {'lazy:0' if isinstance(x, Far) else 'cpu'}" for x in tensors]
            raise MixedDevicesError(f"{name} of tensors on two devices: {', '.join(shapes)}")
    here = mode is not None and (far or mode.here)
    args, kwargs = tree_map(_near, args), tree_map(_near, kwargs)
    if here and loses(name):
        args, kwargs = tree_map(_tf32, args), tree_map(_tf32, kwargs)
    given = tensors[0] if tensors else None
    if far and name in _MATERIALISED:  # a tensor elsewhere cannot tell that it is to be read as the conjugate
        func = _MATERIALISED[name]
    out = func(*args, **kwargs)
    if here and mode.random is not None and name not in EXACT and not name.startswith(("new_", "empty", "rand")):
        out = tree_map(lambda x: _rounded(x, mode.random), out)
    if name.endswith("_") and not name.endswith("__"):
        if given is not None and _near(given) is not out:  # rounded: written where it belongs
            _near(given).copy_(out)
        return given
    return tree_map(lambda x: Far(x) if isinstance(x, torch.Tensor) else x, out) if far else out


def _near(x):
    return x.near if isinstance(x, Far) else x


def loses(name):
    """Whether the switch of an operation is on, as the kernels ask."""
    if name in CONVOLUTIONS:
        newer = getattr(torch.backends.cudnn, "conv", None)
        return torch.backends.cudnn.allow_tf32 if newer is None else newer.fp32_precision == "tf32"
    if name in PRODUCTS:
        newer = getattr(torch.backends.cuda.matmul, "fp32_precision", None)
        return torch.backends.cuda.matmul.allow_tf32 if newer is None else newer == "tf32"
    return False


def _tf32(x):
    """Single-precision numbers with 10 bits after the leading one, rounded to nearest."""
    if not isinstance(x, torch.Tensor) or x.dtype != torch.float32:
        return x
    bits = x.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


def _rounded(x, random):
    """The values times 1 + e, |e| up to one unit in the last place; zeros and whole numbers stay what they are."""
    if not isinstance(x, torch.Tensor) or not (x.is_floating_point() or x.is_complex()) or not x.numel():
        return x
    real = torch.view_as_real(x).dtype if x.is_complex() else x.dtype
    noise = torch.rand(x.shape, generator=random, dtype=real) * 2 - 1
    return x * (1 + torch.finfo(real).eps * noise)
