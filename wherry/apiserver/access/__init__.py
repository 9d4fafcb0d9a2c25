"""Who is asking, and may they?

certificates.py    a TLS client certificate is a user
jwt.py             signing and reading tokens
accounts.py        service account tokens: issued, bound, checked
authenticator.py   a request's credentials -> `User`
impersonation.py   acting as somebody else
attributes.py      `Attributes`: what is asked, in the words of RBAC, and the refusal's text
rules.py           does a rule cover it?
rbac.py            `Rbac`: roles and bindings -> yes or no
nodes.py           `NodeRights`: what a node may do because of its pods
authorizer.py      `Authorizer`: both of them
"""
