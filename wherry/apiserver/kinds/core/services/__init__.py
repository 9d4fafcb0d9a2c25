"""Service: its checks, its addresses and its node ports."""
