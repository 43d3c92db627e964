"""The reward language: allow-lists, grammars, static rules and expressions. Nothing here executes a program."""
