"""GitHub's GraphQL API: a schema of what a connector needs, and how it is answered."""
