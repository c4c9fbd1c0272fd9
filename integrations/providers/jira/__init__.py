"""Jira: Cloud v3, v2 and agile shapes, and Data Center."""
