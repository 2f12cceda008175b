"""The rules of approvals: what is asked, who may decide, what follows from it (SPEC X8, Q8)."""
