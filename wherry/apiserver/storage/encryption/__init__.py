"""Values encrypted at rest, by choice: what lies in the store, in its log and in copies of both needs a key to be read.

    configuration.py  kube-apiserver's EncryptionConfiguration, read
    rules.py          `Rules`: which resources, by which keys
    providers.py      `Provider`: one key, and what it makes of a value
    store.py          `EncryptedStorage`: a store that encrypts what is written to another and decrypts what is read

The forms are those of kube-apiserver (staging/src/k8s.io/apiserver/pkg/storage/value): `k8s:enc:PROVIDER:v1:KEY:`, then
what the provider makes. Names, versions and revisions are not hidden.
"""
