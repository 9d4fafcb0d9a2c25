"""Container images: fetched from registries and files, kept, unpacked. What runs them is the node's business.

reference.py    names as Docker reads them, and patterns        errors.py   how an image cannot be had
manifest.py     what an image is made of (pure)                 credentials.py  who asks a registry
registries.py   mirrors, TLS and credentials by configuration
registry/       a registry, asked over HTTP
store/          images on disk: content by its digest, layers unpacked once, names
pull.py         from a registry into the store
archive/        from files into the store, and out of it        build.py    a Containerfile, by buildah
machinestores.py  what Docker and Podman have here
"""
