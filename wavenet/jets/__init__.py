"""The forward model of jets: far field, reflection and power of duct modes, in closed form around learned factors."""
