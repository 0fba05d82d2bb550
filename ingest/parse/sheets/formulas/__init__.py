"""Computes the formulas of workbooks that a program has written without their values.

Its files:

    calculator.py        computes formulas, each after those that it needs
    nodes.py             reads a formula: constants, areas, names, operators, functions
    table_references.py  references to tables by their columns, as references to cells
    values.py            what a cell holds, and what arithmetic and texts make of it
    ranges.py            the cells of an area, looked up in constant time
    criteria.py          the conditions of SUMIF and COUNTIF, and wildcards
    operators.py         operators, for one value and for each cell of a range
    functions.py         all functions that are known
    arithmetic.py        sums, means, rounding
    counting.py          SUMIFS, COUNTIFS and their family
    choices.py           IF, IFERROR and others that do not need all that they are given
    lookup.py            VLOOKUP, INDEX, MATCH, XLOOKUP
    texts.py             LEFT, TEXT, TEXTJOIN and others that write texts
    dates.py             DATE, EDATE, DATEDIF and others that count days
"""
