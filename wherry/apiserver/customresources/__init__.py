"""Custom resources: kinds that are served because a CustomResourceDefinition says so.

kind.py         the `Kind` of a definition, and one for each of its versions
columns.py      what `kubectl get` shows
conversion.py   from one version to another by changing the name of it
conversionwebhook.py  by asking a webhook; conversionreview.py: what it is sent and may answer
rules.py        do objects keep the rules of their schema?
status.py       which names are a definition's, and what its conditions say
definitions.py  `Definitions`: follows the definitions, adds, replaces and removes their kinds
cleanup.py      the objects go before their definition does

What makes a definition valid is in `wherry.apiserver.kinds.apiextensions`, what makes an object so in
`wherry.objects.structural`.
"""
