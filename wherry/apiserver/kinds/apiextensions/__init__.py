"""The group apiextensions.k8s.io: CustomResourceDefinition.

customresourcedefinition.py   the kind
spec.py                       its spec: names, versions, columns, subresources, conversion
schema.py                     the schema of a version: what OpenAPI has and custom resources may not
structural.py                 is the schema structural?
defaults.py                   are the defaults in it good values?
rules.py                      the rules in it (`x-kubernetes-validations`): are they well formed?
expressions.py                their expressions: types and costs
fieldpath.py                  the field that a rule blames
approval.py                   groups of Kubernetes' own need approval
"""
