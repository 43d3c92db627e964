"""The composer's parts: quantities of a task, terms over them, source text, and the search among them."""
