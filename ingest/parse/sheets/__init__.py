"""Spreadsheets: XLSX, XLS, ODS, CSV, TSV and workbooks of Excel 2003. What a person sees in them is read.

Its files:

    reader.py          XLSX, XLS, CSV and TSV: their sheets, one after the other
    opendocument.py    the same of ODS
    excel_2003.py      the same of workbooks that Excel 2003 saved as XML
    workbooks.py       opening a workbook without writing out areas that no sheet needs
    sparse.py          a sheet as the few cells that have content
    cells.py           what a cell shows: its value in its format, where its link leads
    rich_values.py     values that know more than their text: looks of pieces, rich values of Excel
    number_formats.py  numbers as spreadsheets show them
    date_formats.py    dates, times and durations as spreadsheets show them
    formulas/          computes formulas that have no stored value
    drawn_pictures.py  finds the pictures of XLSX: on a sheet, and in cells
    old_records.py     the records of XLS
    old_formulas.py    finds the formulas of XLS that have no stored value
    old_pictures.py    finds the pictures of XLS and their places
    old_drawings.py    the charts, texts of shapes and objects of other programs of XLS
    old_charts.py      reads the records of a chart of XLS
    drawings.py        the charts and the texts of shapes on a sheet of XLSX
    regions.py         the tables of a sheet: each region of cells is one
"""
