"""What the duct opens into: still or uniformly moving fluid, or a jet."""
