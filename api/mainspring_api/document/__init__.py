"""The OpenAPI document, the pages that show it, and the table of error codes."""
