"""Operations that are recorded as the simpler ones they consist of: attention, recurrent layers.

`FUNCTIONS` and `MODULES` say which. What is written here is computed in place of the original; the recorded output is
compared with the model's own.

Recurrent cells then follow the rule for products with gates of L. Arras, G. Montavon, K.-R. Müller, W. Samek,
Explaining recurrent neural network predictions in sentiment analysis, EMNLP workshop (2017): the signal takes all.
Attention follows A. Ali et al., XAI for Transformers: better explanations through conservative propagation, ICML
(2022): the attention weights are such gates.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import formulas


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """torch.nn.functional.scaled_dot_product_attention."""
    if dropout_p:
        raise ValueError(f"scaled_dot_product_attention drops in eval mode, got dropout_p={dropout_p}")
    if enable_gqa:
        repeats = query.shape[-3] // key.shape[-3]
        key, value = key.repeat_interleave(repeats, -3), value.repeat_interleave(repeats, -3)
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        hidden = attn_mask.dtype is torch.bool
        scores = scores.masked_fill(~attn_mask, -math.inf) if hidden else scores + attn_mask
    return torch.softmax(scores, -1) @ value


def multihead_attention(
    module: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """torch.nn.MultiheadAttention, with the cases in front throughout if they are in front of its arguments."""
    if module.bias_k is not None or module.add_zero_attn:
        raise ValueError("no rule for MultiheadAttention with add_bias_kv or add_zero_attn")
    whole = module.in_proj_weight
    separate = module.q_proj_weight, module.k_proj_weight, module.v_proj_weight
    return _multihead(
        (query, key, value),
        module.num_heads,
        separate if whole is None else whole.chunk(3),
        module.in_proj_bias,
        (module.out_proj.weight, module.out_proj.bias),
        (attn_mask, key_padding_mask),
        turned=query.ndim == 3 and not module.batch_first,
        weights=average_attn_weights if need_weights else None,
    )


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """torch.nn.functional.multi_head_attention_forward."""
    if bias_k is not None or add_zero_attn or static_k is not None or static_v is not None:
        raise ValueError("no rule for multi_head_attention_forward with bias_k, static_k, static_v or add_zero_attn")
    if training and dropout_p:
        raise ValueError(f"multi_head_attention_forward drops in eval mode, got dropout_p={dropout_p}, training=True")
    separate = q_proj_weight, k_proj_weight, v_proj_weight
    assert use_separate_proj_weight or in_proj_weight is not None
    return _multihead(
        (query, key, value),
        num_heads,
        separate if use_separate_proj_weight or in_proj_weight is None else in_proj_weight.chunk(3),
        in_proj_bias,
        (out_proj_weight, out_proj_bias),
        (attn_mask, key_padding_mask),
        turned=query.ndim == 3,
        weights=average_attn_weights if need_weights else None,
    )


def _multihead(
    given: tuple[Tensor, Tensor, Tensor],
    num_heads: int,
    weight: Sequence[Tensor | None],
    bias: Tensor | None,
    out: tuple[Tensor, Tensor | None],
    masks: tuple[Tensor | None, Tensor | None],
    *,
    turned: bool,
    weights: bool | None,
) -> tuple[Tensor, Tensor | None]:
    """Attention of several heads to query, key and value.

    masks : of the scores, and of the keys; turned : the steps are in front of the cases
    weights : whether to average the attention weights that are returned, None for none
    """
    alone = given[0].ndim == 2
    if alone or turned:
        given = tuple(x[None] if alone else x.transpose(0, 1) for x in given)  # type: ignore[assignment]
    biases = (None,) * 3 if bias is None else bias.chunk(3)

    def heads(x: Tensor, w: Any, b: Tensor | None) -> Tensor:
        return F.linear(x, w, b).unflatten(-1, (num_heads, -1)).transpose(1, 2)

    q, k, v = (heads(x, w, b) for x, w, b in zip(given, weight, biases, strict=True))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    for mask, of_keys in zip(masks, (False, True), strict=True):
        if mask is None:
            continue
        if of_keys:
            mask = mask[None, None, None] if alone else mask[:, None, None]
        elif mask.ndim == 3:
            mask = mask.unflatten(0, (-1, num_heads))
        scores = scores.masked_fill(mask, -math.inf) if mask.dtype is torch.bool else scores + mask
    shares = torch.softmax(scores, -1)
    found = F.linear((shares @ v).transpose(1, 2).flatten(2), *out)
    found = found[0] if alone else found.transpose(0, 1) if turned else found
    if weights is None:
        return found, None
    shares = shares.mean(1) if weights else shares
    return found, shares[0] if alone else shares


# ---------------------------------------------------------------------------------------------------------------------
# recurrent layers; weights of a layer in the order of torch: input, hidden, their biases, projection


def lstm_cell(x: Tensor, hx: Sequence[Tensor], *weights: Any) -> tuple[Tensor, Tensor]:
    """torch.lstm_cell: hidden state and cell state."""
    h, c = hx
    i, f, g, o = _both(x, h, weights).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return (F.linear(h, weights[4]) if len(weights) > 4 else h), c


def gru_cell(x: Tensor, h: Tensor, *weights: Any) -> Tensor:
    """torch.gru_cell: hidden state."""
    w_ih, w_hh, b_ih, b_hh = (*weights, None, None)[:4]
    r, z, n = F.linear(x, w_ih, b_ih).chunk(3, -1)
    r_h, z_h, n_h = F.linear(h, w_hh, b_hh).chunk(3, -1)
    update = torch.sigmoid(z + z_h)
    fresh = torch.tanh(n + torch.sigmoid(r + r_h) * n_h)
    return (1 - update) * fresh + update * h


def rnn_tanh_cell(x: Tensor, h: Tensor, *weights: Any) -> Tensor:
    """torch.rnn_tanh_cell: hidden state."""
    return torch.tanh(_both(x, h, weights))


def rnn_relu_cell(x: Tensor, h: Tensor, *weights: Any) -> Tensor:
    """torch.rnn_relu_cell: hidden state."""
    return torch.relu(_both(x, h, weights))


def _both(x: Tensor, h: Tensor, weights: Sequence[Any]) -> Tensor:
    w_ih, w_hh, b_ih, b_hh = (*weights[:4], None, None)[:4]
    return F.linear(x, w_ih, b_ih) + F.linear(h, w_hh, b_hh)


def recurrent(cell: Callable[..., Any]) -> Callable[..., Any]:
    """The layers of torch.lstm, gru, rnn_tanh or rnn_relu, step by step."""

    def layers(
        x: Tensor,
        hx: Any,
        flat: Sequence[Tensor | None],
        bias: bool,
        count: int,
        dropout: float,
        training: bool,
        bidirectional: bool,
        batch_first: bool = False,
        sizes: list[int] | None = None,
    ) -> tuple[Tensor, ...]:
        several = cell is lstm_cell
        states = list(zip(*hx, strict=True)) if several else list(hx)
        axis, each = 1 if batch_first and x.ndim == 3 else 0, len(flat) // (count * (1 + bidirectional))
        last: list[Any] = []
        for layer in range(count):
            sides = []
            for back in range(1 + bidirectional):
                at = layer * (1 + bidirectional) + back
                state, found = states[at], []
                weights = flat[at * each : (at + 1) * each]
                weights = weights if bias or each < 3 else [*weights[:2], None, None, *weights[2:]]
                steps = x.unbind(axis) if sizes is None else x.split(sizes)
                for step in reversed(steps) if back else steps:
                    state, seen = one_step(step, state, weights, None if sizes is None else len(step))
                    found.append(seen)
                last.append(state)
                found = found[::-1] if back else found
                sides.append(torch.stack(found, axis) if sizes is None else torch.cat(found))
            x = torch.cat(sides, -1) if bidirectional else sides[0]
        ends = [torch.stack(one) for one in zip(*last, strict=True)] if several else [torch.stack(last)]
        return (x, *ends)

    def one_step(step: Tensor, state: Any, weights: Sequence[Any], running: int | None) -> tuple[Any, Tensor]:
        """The state after a step, and the step's output; of the first sequences only, if the others are shorter."""
        if running is None:
            state = cell(step, state, *weights)
            return state, state[0] if cell is lstm_cell else state
        before = state if cell is lstm_cell else (state,)
        made = cell(step, tuple(s[:running] for s in before) if cell is lstm_cell else state[:running], *weights)
        made = made if cell is lstm_cell else (made,)
        after = [torch.cat([m, s[running:]]) for m, s in zip(made, before, strict=True)]
        return (after if cell is lstm_cell else after[0]), made[0]

    def either(x: Tensor, *more: Any) -> tuple[Tensor, ...]:
        """The layers of a padded tensor, or of the data of a PackedSequence, whose second argument are batch sizes."""
        if len(more) == 8 and isinstance(more[3], bool):
            sizes, hx, flat, bias, count, dropout, training, bidirectional = more
            return layers(x, hx, flat, bias, count, dropout, training, bidirectional, sizes=sizes.tolist())
        return layers(x, *more)

    return either


# ---------------------------------------------------------------------------------------------------------------------
# encoders


def transformer_encoder(module: nn.TransformerEncoder, *args: Any, **kwargs: Any) -> Tensor:
    """torch.nn.TransformerEncoder; where it packs the steps that a mask hides, these are zero in front of the norm."""
    forward = type(module).forward
    given = inspect.signature(forward).bind(module, *args, **kwargs).arguments
    src, padding = given["src"], given.get("src_key_padding_mask")
    packs = forward is nn.TransformerEncoder.forward and getattr(module, "use_nested_tensor", False)
    if not packs or padding is None or given.get("mask") is not None or src.ndim != 3 or torch.is_autocast_enabled():
        return forward(module, *args, **kwargs)
    hidden = padding.bool()
    if getattr(module, "mask_check", True) and (hidden[:, :-1] & ~hidden[:, 1:]).any():
        return forward(module, *args, **kwargs)  # steps are seen behind hidden ones
    for layer in module.layers:
        src = layer(src, src_key_padding_mask=padding)
    src = src.masked_fill(hidden[..., None], 0.0)
    return src if module.norm is None else module.norm(src)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "scaled_dot_product_attention": attention,
    "multi_head_attention_forward": multi_head_attention_forward,
    "lstm": recurrent(lstm_cell),
    "gru": recurrent(gru_cell),
    "rnn_tanh": recurrent(rnn_tanh_cell),
    "rnn_relu": recurrent(rnn_relu_cell),
    "lstm_cell": lstm_cell,
    "gru_cell": gru_cell,
    "rnn_tanh_cell": rnn_tanh_cell,
    "rnn_relu_cell": rnn_relu_cell,
    **formulas.FUNCTIONS,
}
MODULES: dict[type, Callable[..., Any]] = {
    nn.MultiheadAttention: multihead_attention,
    nn.TransformerEncoder: transformer_encoder,
}
