"""Training: the loop and its records, the order of the cases, losses, presets, and cases as tensors."""
