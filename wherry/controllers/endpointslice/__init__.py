"""Service → EndpointSlices.

packing.py      pure: endpoints into slices, with the fewest writes
endpoint.py     pure: a pod as an endpoint of a Service
writer.py       applies what packing.py decides
controller.py   Services with a selector
mirroring.py    Services without one, whose Endpoints were made by hand
"""
