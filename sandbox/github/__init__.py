"""The sandbox's GitHub: its store, its REST and GraphQL APIs, what changes in it, its truth."""
