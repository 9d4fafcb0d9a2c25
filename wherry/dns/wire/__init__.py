"""Messages as bytes: what every query passes through, so without a library between.

    record.py    a resource record, and names inside its data
    question.py  a query, read
    response.py  a response of another server, read
    render.py    a response of ours, written: pieces that may be moved and left out

dnspython reads what is rare (odd but well-formed queries) and what is text (zone files, templates).
"""
