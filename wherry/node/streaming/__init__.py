"""What a kubelet serves on port 10250: container logs, exec, attach and port-forward.

    server.py          the HTTPS server and its routes
    negotiation.py     which protocol a request speaks, answered with the matching `Session`
    session.py         `Session`: stdin, stdout, stderr, terminal sizes and a final status, whatever the transport
      spdysession.py   ... over SPDY/3.1 streams (kubectl before 1.30)
      channels.py      ... over WebSocket channels (kubectl since 1.30, the Python clients)
    execution.py       a command in a container, joined to a session
      command.py       the OCI runtime's `exec`, with pipes or a terminal
    attach.py          the container's own first process, joined to a session through conmon
    portforward.py     TCP connections into a pod's network, over SPDY streams or WebSocket channels
    logs.py, crilog.py                log files in CRI format, read and followed
    nodelogs.py        the node's own log files, listed, read and searched
    spdy.py            the SPDY/3.1 wire format, pure
    spdyconnection.py  SPDY streams over any `Duplex`
    duplex.py          a byte stream: the connection after its HTTP upgrade, or inside WebSocket messages
    pipe.py            bytes between two tasks, bounded

The API server passes an upgraded connection on byte for byte, so the requests here are the clients' own.
"""
