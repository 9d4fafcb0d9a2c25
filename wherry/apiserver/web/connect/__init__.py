"""What this server does not answer itself: it authorises, finds out who does, and passes on.

connect.py      log, exec, attach, portforward and proxy requests: from the request to one of the ways below
location.py     where a request goes on
podnode.py      ... for a pod's log, exec, attach and portforward: the pod's node
proxied.py      ... for the proxy of a pod, service or node: what `https:name:port` stands for
options.py      what is asked for, as an object
forward.py      a request and its answer, passed through as they come
headers.py      which headers go along
links.py        `Location` and the links in HTML pages, made to lead through the proxy again
markup.py       links in an HTML page that comes in pieces
tunnel.py       upgraded connections: raw bytes both ways
"""
