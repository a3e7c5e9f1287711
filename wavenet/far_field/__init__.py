"""The far field of duct modes: directivity, multipoles, mode detection."""
