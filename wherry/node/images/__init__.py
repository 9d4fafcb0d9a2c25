"""Image references -> what to run.

    source.py     `Image`, `ImageSource` and how pulling fails: the contract
    imagemap.py   `ImageMap`: references matched against patterns in YAML files; the host's own `/` as root file system
    machineroot.py  the root of those programs: a view of this machine
    reference.py  names as Docker reads them, and patterns
    components.yaml, builtin.yaml  the maps before and after the user's: wherry's own components; what tutorials run

Registries come later, as another `ImageSource`.
"""
