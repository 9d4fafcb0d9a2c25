"""Calls this server makes to what runs in the cluster: webhooks, and servers of other APIs.

services.py   where a Service is answered, seen from here
webhook.py    one POST to a webhook, by URL or by Service
remotes.py    API servers behind this one: which, where, and what is known of them
frontproxy.py speaking for a user to such a server
agents.py     where nodes' agents answer
trust.py      whom a caBundle trusts
failure.py    why somebody could not be reached, in the words clients know from Go
"""
