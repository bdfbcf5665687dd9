"""Task instances with their tries, logs, outputs, approvals and dependencies."""
