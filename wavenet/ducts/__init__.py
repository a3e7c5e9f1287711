"""Ducts in torch: Bessel functions on the device, radial modes with and without a hub, the continuous radial index."""
