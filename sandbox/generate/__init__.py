"""Organisations out of a seed: what their Jira and GitHub hold, computed and never kept."""
