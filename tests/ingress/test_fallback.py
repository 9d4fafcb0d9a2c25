"""The certificate for names nobody gave one for."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from wherry.ingress.fallback import fallback
from wherry.ingress.selfsigned import DNS_NAME


def test_a_new_one_is_made_where_none_is_kept(tmp_path: Path) -> None:
    made = fallback(tmp_path / "none.pem")
    assert made.covers(DNS_NAME)
    assert made.expires > datetime.now(UTC)


def test_the_one_that_is_kept_is_taken(tmp_path: Path) -> None:
    made = fallback(tmp_path / "none.pem")
    (tmp_path / "kept.pem").write_text(made.chain + made.key)
    assert fallback(tmp_path / "kept.pem") == made


def test_a_controller_without_certificates_does_not_load_what_reads_them() -> None:
    program = "import sys, wherry.cli.ingress; sys.exit('cryptography' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
