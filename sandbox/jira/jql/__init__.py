"""A part of JQL: what it does not know it refuses, as Jira refuses what it cannot read."""

from sandbox.jira.jql.parser import JqlError, parse
from sandbox.jira.jql.plan import Names, Plan, plan

__all__ = ["JqlError", "Names", "Plan", "parse", "plan"]
