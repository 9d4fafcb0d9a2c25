"""The API server: HTTPS on one side, a store on the other, a schema in between. README.md is its map."""
