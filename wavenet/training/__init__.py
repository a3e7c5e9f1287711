"""Training: the loop, the order of the cases, losses, presets."""
