"""Another DNS server, and how it is reached.

server.py       one upstream server, and whether it is worth asking
datagrams.py    over UDP, from ports that are hard to guess
streams.py      over TCP and TLS
unguessable.py  random numbers
errors.py       why there is no answer
"""
