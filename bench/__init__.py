"""Benchmarks: one module a promise, each printing its figure beside a limit measured or stated."""
