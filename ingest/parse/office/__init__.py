"""Documents of office programs: Word, PowerPoint, spreadsheets, RTF, OpenDocument, and e-books beside them."""
