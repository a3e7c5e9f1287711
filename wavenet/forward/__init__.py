"""The feed-forward network: duct mode, Helmholtz and Mach number to the pressure at microphones."""
