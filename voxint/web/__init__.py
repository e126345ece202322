"""What a browser loads: the client, the page over it, and the element for other people's pages.

Static files and no code: `voxint.server` serves them, Node imports them as they are.
"""
