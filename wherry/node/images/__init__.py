"""Image references -> what to run.

    source.py     `Image`, `ImageSource` and how pulling fails: the contract
    imagemap.py   `ImageMap`: references matched against patterns in YAML files; the host's own `/` as root file system
    builtin.yaml  the map of wherry's own components

Registries come later, as another `ImageSource`.
"""
