"""Images in files: OCI layouts and archives, and what `docker save` writes.

files.py    a folder or an archive as a tree of files        dockersave.py  images as manifest.json lists them
layout.py   images as an OCI layout lists them               load.py        into a store
save.py     out of it, as both read it                       listed.py      what all of them speak of
"""
