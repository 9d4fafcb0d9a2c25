"""Pure: what objects mean. The one home of readers that several rooms need, since rooms never import one another.

    wellknown.py    names that Kubernetes gives a meaning: labels, annotations, taints, namespaces, types of Secrets
    services.py     a Service's addresses, whether it is headless, which pods are behind it
    endpoints.py    an EndpointSlice's ports and endpoints, and who may serve
    pods.py         a pod's phase, readiness, addresses, containers that stay
    jobs.py         whether a Job has ended, and how it counts
    servicecidrs.py a ServiceCIDR's ranges, who has an IPAddress
    nodes.py        a node's readiness, addresses, zone, pod ranges

Whatever an object holds, a reader answers: a field that may be absent or null has its documented default. What only one
room asks lies in that room.
"""
