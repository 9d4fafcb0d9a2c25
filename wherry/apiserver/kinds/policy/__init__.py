"""policy: how many pods may be away at once."""
