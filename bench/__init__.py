"""Measure an interruption from outside: one clock, every system in its own process, ratios and not absolute times.

interrupt.py   the benchmark: workloads, rounds, the report
sessions.py    one simulated caller, on a bare WebSocket
processes.py   the echo floor and the server under test, each a process of its own
figures.py     percentiles and their printing
"""
