"""The proxy's own addresses and tables."""

from __future__ import annotations

from wherry.objects.family import Family

DOORS = {Family.V4: "169.254.87.69", Family.V6: "fd57:6865:7272:7970::1"}
"""Addresses on the loopback link that nobody else asks for: connections to Services are led there."""

PORT = 10245
"""Where TCP is taken at a door, unless somebody listens there on all addresses."""

LINK = "lo"
TABLE = "wherry-userspace"
