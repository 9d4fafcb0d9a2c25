"""Image references -> what to run.

source.py     `Image`, `ImageSource` and how pulling fails: the contract
imagemap.py   `ImageMap`: references matched against patterns in YAML files; the host's own `/` as root file system
pulls.py      images with files of their own: from the nodes' store, and from registries into it (`wherry/images/`)
sources.py    which of them all is asked first
accounts.py   whose account a user's name is: of this machine, or of an image
machineroot.py  the root of those programs: a view of this machine
components.yaml, builtin.yaml  the maps before and after the user's: wherry's own components; what tutorials run
"""
