"""What a printed label means: canonical ids for row labels, column headers, captions, headings and titles."""
