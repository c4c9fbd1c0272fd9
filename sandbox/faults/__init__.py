"""Scripted failures: what servers, proxies and networks do to an answer, request by request."""

from sandbox.faults.rules import KINDS, FaultRule, Faults

__all__ = ["KINDS", "FaultRule", "Faults"]
