"""The domain of Mainspring, pure: definitions, graphs, expressions, states, trigger rules, attempts and reports."""
