"""Looking at what nginx needs before it is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.ingress.nginx.errors import ConfigRefused
from wherry.ingress.nginx.process import check_modules


def test_a_module_that_is_missing_is_named_with_its_package(tmp_path: Path) -> None:
    (tmp_path / "ndk_http_module.so").touch()
    conf = "".join(f'load_module "{tmp_path / name}";\n' for name in ("ndk_http_module.so", "ngx_stream_module.so"))
    with pytest.raises(ConfigRefused, match=r"ngx_stream_module\.so is missing .*libnginx-mod-stream"):
        check_modules(conf, ConfigRefused)
