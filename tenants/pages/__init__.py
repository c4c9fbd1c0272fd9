"""Pages about people and tenants that are not lists of rows; `urls` has their addresses."""
