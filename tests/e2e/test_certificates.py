"""A user made as the documentation of Kubernetes has it: a key and a request by openssl, approved with kubectl."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e
BIND = "127.0.0.93"
REQUEST = """
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: {name}}}
spec:
  request: {request}
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 86400
  usages: [client auth]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("certificates")
    with cluster("certificates", BIND, home, "--addons", "none") as made:
        yield made


def openssl(line: str) -> str:
    return subprocess.run(["openssl", *line.split()], capture_output=True, text=True, check=True).stdout


def asked(k8s: Cluster, name: str) -> None:
    """Make a key and a request for user `name` of group dev, and hand the request in."""
    openssl(f"genrsa -out {k8s.home}/{name}.key 2048")
    openssl(f"req -new -key {k8s.home}/{name}.key -out {k8s.home}/{name}.csr -subj /O=dev/CN={name}")
    request = base64.b64encode((k8s.home / f"{name}.csr").read_bytes()).decode()
    k8s.kubectl("apply -f -", stdin=REQUEST.format(name=name, request=request))


def condition(k8s: Cluster, name: str) -> str:
    return k8s.kubectl(f"get csr {name} --no-headers").split()[-1]


def test_an_approved_user_may_do_what_is_bound_to_the_group(k8s: Cluster) -> None:
    asked(k8s, "jane")
    assert condition(k8s, "jane") == "Pending"
    assert "approved" in k8s.kubectl("certificate approve jane")
    eventually("a certificate", lambda: condition(k8s, "jane") == "Approved,Issued")
    certificate = k8s.kubectl("get csr jane -o jsonpath={.status.certificate}")
    (k8s.home / "jane.crt").write_bytes(base64.b64decode(certificate))
    k8s.kubectl("create rolebinding jane --clusterrole=view --group=dev")
    shutil.copy(k8s.home / "kubeconfig", k8s.home / "jane.kubeconfig")
    jane = f"--kubeconfig {k8s.home}/jane.kubeconfig"
    files = f"--client-certificate={k8s.home}/jane.crt --client-key={k8s.home}/jane.key"
    k8s.kubectl(f"{jane} config set-credentials jane {files}")
    k8s.kubectl(f"{jane} config set-context --current --user=jane")
    assert '"jane"' in k8s.kubectl(f"{jane} auth whoami -o json")
    assert k8s.kubectl(f"{jane} auth can-i list pods").strip() == "yes"
    assert k8s.kubectl(f"{jane} auth can-i delete pods", check=False).strip() == "no"
    text = openssl(f"x509 -in {k8s.home}/jane.crt -noout -subject -ext extendedKeyUsage")
    assert "O = dev, CN = jane" in text
    assert "TLS Web Client Authentication" in text


def test_a_denied_user_gets_nothing(k8s: Cluster) -> None:
    asked(k8s, "joe")
    assert "denied" in k8s.kubectl("certificate deny joe")
    assert condition(k8s, "joe") == "Denied"
    assert "Denied" in k8s.kubectl("describe csr joe")
