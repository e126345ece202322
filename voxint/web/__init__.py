"""What a browser loads: the client, the page over it, and the element for other people's pages.

Static files and no code: `voxint.server` serves them, Node imports them as they are.

client/       the browser client, usable alone
page/         the page at /
embed/        <voxint-agent>, for pages of others
package.json  what Node has to know of them
"""
