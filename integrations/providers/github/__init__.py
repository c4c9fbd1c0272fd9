"""GitHub: repositories, pull requests and everything that belongs to them."""
