"""Pages of the admin about jobs, and what their buttons do."""
