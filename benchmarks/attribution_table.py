"""Which public networks RAP explains, how far it conserves, and its time: python benchmarks/attribution_table.py

Names of networks as arguments select them. Random weights, one case, one output, small inputs. Conservation, in single
and double precision, is |y - sum R| / sum |R|, where y is the model's own output; what reached no input counts, and is
named as a leak where it is more than rounding. Sum |R| over |y| says how far positive and negative relevance grow.
Times are ratios of CPU time to the forward pass, single precision, medians of three in turn, short ones of many calls;
those of captum's LRP (epsilon) and zennit (EpsilonPlus) stand beside, or the kind of error with which they stop.

It needs `pip install -e .[networks]`: torchvision, segmentation-models-pytorch, neuraloperator, captum, zennit.
"""

import argparse
import contextlib
import statistics
import sys
import time
import warnings

import torch
from torch import nn

from wavenet.rap import RAP, attribute


class First(nn.Module):
    """A model whose output is among several."""

    def __init__(self, model, key):
        super().__init__()
        self.model, self.key = model, key

    def forward(self, *x):
        return self.model(*x)[self.key]


class Operator(nn.Module):
    """DeepONet: branch and trunk, multiplied and summed."""

    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, 64))
        self.trunk = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())

    def forward(self, u, y):
        return (self.branch(u) * self.trunk(y)).sum(-1, keepdim=True)


class Siren(nn.Module):
    """Layers with sines."""

    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, width), nn.Linear(width, width), nn.Linear(width, 1)])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.sin(30.0 * layer(x))
        return self.layers[-1](x)


class Fourier(nn.Module):
    """Random Fourier features, a plain tensor as an attribute."""

    def __init__(self):
        super().__init__()
        self.scale = torch.randn(3, 32)
        self.rest = nn.Sequential(nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 1))

    def forward(self, x):
        angle = 2 * torch.pi * (x @ self.scale)
        return self.rest(torch.cat([torch.sin(angle), torch.cos(angle)], -1))


class Graph(nn.Module):
    """Messages along the edges of a fixed graph, summed at the nodes."""

    def __init__(self, nodes=12, width=16):
        super().__init__()
        self.register_buffer("source", torch.randint(nodes, (40,)))
        self.register_buffer("target", torch.randint(nodes, (40,)))
        self.message, self.update = nn.Linear(2 * width, width), nn.Linear(2 * width, width)
        self.encode, self.decode = nn.Linear(4, width), nn.Linear(width, 1)

    def forward(self, x):
        h = torch.relu(self.encode(x))
        for _ in range(2):
            m = torch.relu(self.message(torch.cat([h[:, self.source], h[:, self.target]], -1)))
            h = torch.relu(self.update(torch.cat([h, torch.zeros_like(h).index_add(1, self.target, m)], -1)))
        return self.decode(h).mean(1)


class Last(nn.Module):
    """A recurrent layer, read at its last step."""

    def __init__(self, kind):
        super().__init__()
        self.rnn, self.head = kind(8, 16, 2, batch_first=True), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


class Encoder(nn.Module):
    """A transformer's encoder, averaged over the sequence."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))


def compiled_operations():
    """Declare the operations of torchvision that are compiled, where they do not load; no network here calls them."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [one for one in sys.modules if one.startswith("torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        names = ["nms", "qnms", *(f"{p}roi_{k}" for p in ("", "ps_") for k in ("align", "pool")), "deform_conv2d"]
        for name in names:
            library.define(f"{name}(Tensor a) -> Tensor")
            library.define(f"_{name}_backward(Tensor a) -> Tensor")
        compiled_operations.kept = library
    warnings.filterwarnings("ignore")


def vision(name, size, **options):
    def build():
        import torchvision

        return getattr(torchvision.models, name)(weights=None, **options), (torch.rand(1, 3, size, size),)

    return build


def segmented(name, size, **options):
    def build():
        import torchvision

        model = getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None, **options)
        return First(model, "out"), (torch.rand(1, 3, size, size),)

    return build


def smp(name, size=64, **options):
    def build():
        import segmentation_models_pytorch

        options.setdefault("encoder_name", "resnet18")
        model = getattr(segmentation_models_pytorch, name)(encoder_weights=None, classes=2, **options)
        return model, (torch.rand(1, 3, size, size),)

    return build


def fno():
    from neuralop.models import FNO

    return FNO((8, 8), in_channels=1, out_channels=1, hidden_channels=16, n_layers=3), (torch.randn(1, 1, 32, 32),)


def uno():
    from neuralop.models import UNO

    model = UNO(
        1,
        1,
        hidden_channels=16,
        n_layers=3,
        uno_out_channels=[16, 16, 16],
        uno_n_modes=[[8, 8], [4, 4], [8, 8]],
        uno_scalings=[[1.0, 1.0], [0.5, 0.5], [2.0, 2.0]],
        channel_mlp_skip="linear",
    )
    return model, (torch.randn(1, 1, 32, 32),)


NETWORKS = {
    "AlexNet": vision("alexnet", 128),
    "VGG16": vision("vgg16", 128),
    "VGG16-bn": vision("vgg16_bn", 128),
    "ResNet18": vision("resnet18", 128),
    "ResNet50": vision("resnet50", 128),
    "DenseNet121": vision("densenet121", 128),
    "GoogLeNet": vision("googlenet", 128, init_weights=False),
    "Inception3": vision("inception_v3", 128, init_weights=False),
    "SqueezeNet": vision("squeezenet1_1", 128),
    "ShuffleNet": vision("shufflenet_v2_x1_0", 128),
    "MNASNet": vision("mnasnet1_0", 128),
    "MobileNetV2": vision("mobilenet_v2", 128),
    "MobileNetV3": vision("mobilenet_v3_small", 128),
    "EfficientNet-B0": vision("efficientnet_b0", 128),
    "RegNet": vision("regnet_y_400mf", 128),
    "ConvNeXt-T": vision("convnext_tiny", 128),
    "Swin-T": vision("swin_t", 64),
    "ViT-B/16": vision("vit_b_16", 64, image_size=64),
    "FCN": segmented("fcn_resnet50", 64),
    "DeepLabV3": segmented("deeplabv3_mobilenet_v3_large", 64),
    "smp Unet": smp("Unet"),
    "smp Unet++": smp("UnetPlusPlus"),
    "smp Linknet": smp("Linknet"),
    "smp FPN": smp("FPN"),
    "smp PSPNet": smp("PSPNet"),
    "smp DeepLabV3+": smp("DeepLabV3Plus"),
    "smp MAnet": smp("MAnet"),
    "smp UPerNet": smp("UPerNet"),
    "smp Segformer": smp("Segformer"),
    "FNO": fno,
    "UNO": uno,
    "DeepONet": lambda: (Operator(), (torch.randn(1, 32), torch.randn(1, 2))),
    "SIREN": lambda: (Siren(), (torch.randn(1, 3),)),
    "Fourier features": lambda: (Fourier(), (torch.randn(1, 3),)),
    "LSTM": lambda: (Last(nn.LSTM), (torch.randn(1, 10, 8),)),
    "GRU": lambda: (Last(nn.GRU), (torch.randn(1, 10, 8),)),
    "TransformerEncoder": lambda: (Encoder(), (torch.randn(1, 10, 16),)),
    "graph net": lambda: (Graph(), (torch.randn(1, 12, 4),)),
}


def cpu(*functions, repeats=3, least=0.05):
    """Median CPU time of each, in turn; of as many calls as take at least so many seconds."""

    def once(f, calls):
        start = time.process_time()
        for _ in range(calls):
            f()
        return (time.process_time() - start) / calls

    calls = [max(1, round(least / max(once(f, 1), 1e-6))) for f in functions]
    times = [[once(f, n) for f, n in zip(functions, calls, strict=True)] for _ in range(repeats)]
    return [statistics.median(one) for one in zip(*times, strict=True)]


def conservation(model, inputs, selector, dtype):
    """|y - sum R| over sum |R|, and sum |R| over |y|."""
    for values in (*model.parameters(), *model.buffers()):
        if values.is_floating_point() or values.is_complex():  # Module.to would make complex weights real
            values.data = values.data.to(dtype.to_complex() if values.is_complex() else dtype)
    found = attribute(model, tuple(x.to(dtype) for x in inputs), selector, dtype=dtype)
    size = sum(float(r.double().abs().sum()) for r in found.relevance)
    lost = float(found.output) - sum(float(r.double().sum()) for r in found.relevance)
    return abs(lost) / size, size / abs(float(found.output))


def captum(model, inputs, target):
    from captum.attr import LRP

    return lambda: LRP(model).attribute(inputs, target=target)


def zennit(model, inputs, target):
    from zennit.composites import EpsilonPlus

    def run():
        leaves = tuple(x.clone().requires_grad_() for x in inputs)
        with EpsilonPlus().context(model) as modified:
            modified(*leaves)[(0, *target)].backward()

    return run


def over_forward(method, model, inputs, target, forward):
    """Time of another method over the forward pass, or the kind of its error."""
    warnings.filterwarnings("ignore", "Input Tensor", UserWarning)  # captum's, for every input
    try:
        run = method(model, inputs, target)
        run()
        base, time_ = cpu(forward, run)
        return f"{time_ / base:.0f}"
    except Exception as error:  # any of theirs
        return type(error).__name__


def row(name):
    """One line of the table."""
    torch.manual_seed(0)
    with contextlib.redirect_stdout(sys.stderr):  # neuraloperator prints
        model, inputs = NETWORKS[name]()
    model.eval()
    for values in model.parameters():
        if values.ndim > 1 and not values.any():  # heads that start at zero explain nothing
            nn.init.normal_(values, std=0.1)
    with torch.no_grad():
        output = model(*inputs)
    target = tuple(n // 2 for n in output.shape[1:])
    selector = torch.zeros_like(output)
    selector[(0, *target)] = 1.0
    explainer = RAP(model, dtype=torch.float32)

    def forward():
        with torch.no_grad():
            model(*inputs)

    try:
        explainer.attribute(inputs, target)
    except (NotImplementedError, ValueError, RuntimeError) as error:
        return f"| {name} | {type(error).__name__}: {error} | | | | | |"
    base, time_ = cpu(forward, lambda: explainer.attribute(inputs, target))
    others = [over_forward(method, model, inputs, target, forward) for method in (captum, zennit)]
    single, _ = conservation(model, inputs, selector, torch.float32)
    double, growth = conservation(model, inputs, selector, torch.float64)
    works = "yes" if double < 1e-10 else f"yes, leak {double:.1e}"
    figures = f"{single:.0e} | {double:.0e} | {growth:.2g} | {time_ / base:.1f}"
    return f"| {name} | {works} | {figures} | {others[0]} | {others[1]} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="networks; all by default")
    names = parser.parse_args().names or list(NETWORKS)
    torch.set_num_threads(1)
    compiled_operations()
    print("| network | works | single | double | Σ∣R∣ / ∣y∣ | time | captum LRP | zennit |\n|" + "---|" * 8)
    for name in names:
        print(row(name), flush=True)


if __name__ == "__main__":
    main()
