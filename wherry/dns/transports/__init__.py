"""How queries reach a server, one file per transport; what is kept is answered there and then.

udp.py    datagrams (RFC 1035)
stream.py TCP (RFC 7766), and under it TLS
tls.py    DNS over TLS (RFC 7858): certificates
"""
