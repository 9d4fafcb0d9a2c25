"""What static pods have to look like: the API server's own rules for pods, where there may be no API server yet."""

from __future__ import annotations

import yaml

from wherry.apiserver.kinds.common import objectmeta, required
from wherry.apiserver.kinds.core.pods import podqos
from wherry.apiserver.kinds.core.pods.pod import POD
from wherry.apiserver.web import yamldocument
from wherry.objects import Object, definitions, podreferences, schema
from wherry.objects.errors import ApiError


class ApiForm:
    """A `wherry.node.pods.manifests.PodForm`."""

    def read(self, data: bytes) -> Object:
        """See `PodForm.read`. Fields that pods do not have are refused."""
        try:
            document = yamldocument.read(data)
        except yaml.YAMLError as error:
            raise ValueError(" ".join(str(error).split())) from error
        obj = document.value
        if not isinstance(obj, dict) or (obj.get("apiVersion"), obj.get("kind")) != ("v1", "Pod"):
            raise ValueError("there is no v1 Pod in it")
        try:
            pod, _ = schema.typed(obj, ("", "v1", "Pod"), strict=True, noted=document.noted)
        except ApiError as error:
            raise ValueError(error.message) from error
        return pod

    def complete(self, pod: Object) -> None:
        """See `PodForm.complete`."""
        assert POD.default is not None
        assert POD.validate is not None
        if found := next(podreferences.needing_the_api(pod), None):
            raise ValueError(f"static pods may not reference {found}")
        POD.default(pod)
        errors = objectmeta.validate(pod, POD) + POD.validate(pod)
        if (type_ := definitions.of_kind(("", "v1", "Pod"))) is not None:
            errors += required.missing(pod, None, type_, errors)
        if errors:
            raise ValueError("; ".join(map(str, errors)))
        pod["status"] = {"phase": "Pending", "qosClass": podqos.qos_class(pod["spec"])}
