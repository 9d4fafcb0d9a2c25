"""What may be asked of the server, whoever asks and however: authorised, then answered by the registry.

views.py       parts of an object that are read and written on their own: status, scale, finalize
actions.py     what is posted to an object: a binding, an eviction, a request for a token
eviction.py    whether a pod may go now, and its end
reviews.py     questions without a store: TokenReview, SubjectAccessReview and their kin
tokens.py      TokenRequest
api.py         `Api`: the verbs, behind authorisation
"""
