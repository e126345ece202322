"""What a run is turned into for people: a table in the terminal, and one page that needs nothing but itself."""

# names.py      what targets, figures and scenarios are called and coloured, and which figures a case is judged by
# summary.py    Results -> cases, rows, figures, marks; the only file that adds up or compares
# headline.py   the sentences and the few numbers that stand on top
# table.py      the terminal
# html.py       the page; markup.py has its tables, pictures.py says which pictures it gets, style.css its looks
# standalone.py pictures as files of their own
# plots/        one file per picture; the only ones that import matplotlib, and only when they draw

from bench.report.html import write_report
from bench.report.table import print_tables

__all__ = ["print_tables", "write_report"]
