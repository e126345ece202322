"""The pictures: one file each, every one a function from data to the text of an inline SVG."""

# canvas.py     what they share: a figure of so many pixels, colours that follow the page, an SVG without a date
# ecdf.py       how many interrupts were acknowledged within so many milliseconds
# waterfall.py  one interrupt to scale, a lane for each target
# bars.py       one number for each target
# lines.py      one number against the sessions
