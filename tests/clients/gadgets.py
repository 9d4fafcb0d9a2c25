"""An operator by kopf: a Gadget becomes a ConfigMap that it owns; webhooks refuse giants and set a colour."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from typing import Any

import kopf
from kubernetes import client, config

SERVICE = {"namespace": "gadgets", "name": "gadgets", "port": 443}
CERTIFICATE, KEY = "/tmp/tls.pem", "/tmp/tls.key"


class BehindService(kopf.WebhookServer):
    """Kopf's own server of webhooks, named to the cluster by its Service instead of a URL."""

    async def __call__(self, fn: Any) -> AsyncIterator[Any]:
        """Serve, and say where."""
        async for told in super().__call__(fn):
            yield {"service": SERVICE, "caBundle": told["caBundle"]}


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: object) -> None:
    """Make a certificate for the Service's name, and let kopf write the webhook configurations."""
    name = f"{SERVICE['name']}.{SERVICE['namespace']}.svc"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
    ]
    words += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", KEY, "-out", CERTIFICATE]
    subprocess.run(words, check=True, capture_output=True)
    settings.admission.server = BehindService(port=8443, cafile=CERTIFICATE, certfile=CERTIFICATE, pkeyfile=KEY)
    settings.admission.managed = "harbour.example"
    config.load_incluster_config()


@kopf.on.validate("gadgets", id="no-giants", operations=["CREATE", "UPDATE"])
def no_giants(spec: kopf.Spec, warnings: list[str], **_: object) -> None:
    """Refuse a gadget beyond ten, warn of one beyond five."""
    if spec["size"] > 10:
        raise kopf.AdmissionError(f"a gadget of size {spec['size']} does not fit through the door", code=418)
    if spec["size"] > 5:
        warnings.append("a big gadget")


@kopf.on.mutate("gadgets", operation="CREATE")
def painted(spec: kopf.Spec, patch: kopf.Patch, **_: object) -> None:
    """Give a gadget without a colour one."""
    if "colour" not in spec:
        patch.spec["colour"] = "grey"


@kopf.on.create("gadgets")
@kopf.on.update("gadgets", field="spec")
def keep(name: str, namespace: str, spec: kopf.Spec, body: kopf.Body, **_: object) -> dict[str, int]:
    """Write the gadget's ConfigMap; what is returned goes into its status."""
    made = {"metadata": {"name": name}, "data": {"size": str(spec["size"]), "colour": spec["colour"]}}
    kopf.adopt(made)
    core = client.CoreV1Api()
    if core.list_namespaced_config_map(namespace, field_selector=f"metadata.name={name}").items:
        core.patch_namespaced_config_map(name, namespace, made)
    else:
        core.create_namespaced_config_map(namespace, made)
    kopf.info(body, reason="Kept", message=f"size {spec['size']}")
    return {"size": spec["size"]}


@kopf.on.delete("gadgets")
def farewell(name: str, namespace: str, **_: object) -> None:
    """Leave a note of what is gone: kopf's finalizer holds the gadget until it is written."""
    client.CoreV1Api().create_namespaced_config_map(namespace, {"metadata": {"name": f"{name}-was-here"}})
