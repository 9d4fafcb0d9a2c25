"""How every component reaches an API server: one `Client` interface, two transports (in-process and HTTP).

    interface.py    `Client`, `WatchEvent`, `ObjectList`: the contract
    http.py         the transport over HTTPS (kubeconfig or in-cluster)
    kubeconfig.py   where the server is and who we are
    credentials.py  what that becomes on the wire: TLS, and an Authorization header that stays fresh

The in-process transport lives in `wherry.apiserver` (it needs the server); it satisfies the same contract tests.
So does the fake that tests break on purpose, `tests/fake/client.py`.
"""
