"""Mainspring beside other systems, each in an environment of its own. `./dev bench peers` alone runs it."""
