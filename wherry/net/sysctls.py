"""The kernel's settings of one network namespace (sysctl(8)); without pyroute2, which takes 9 MB."""

from __future__ import annotations

from pathlib import Path

from wherry.net import namespaces


def sysctl(name: str, value: str, namespace: Path | None = None) -> None:
    """Write one `net.…` sysctl, given with slashes below /proc/sys (`net/ipv4/ip_forward`), in a namespace."""

    def write() -> None:
        Path("/proc/sys", name).write_text(value)

    if namespace is None:
        write()
    else:
        namespaces.run(namespace, write)
