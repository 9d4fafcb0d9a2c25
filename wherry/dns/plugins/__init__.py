"""One file per plugin; `wherry.dns.chain` says in which order they come.

Each module has `setup(directive, block, environment) -> Plugin`, which checks the directive's words and raises
`CorefileError` for what it does not know.
"""
