"""Relays: a listener on one side, sockets that somebody else makes on the other (see hostforward/).

address.py    what both are given: addresses, who makes sockets, where to connect
stream.py     `StreamRelay`: TCP
datagram.py   `DatagramRelay`: UDP
"""
