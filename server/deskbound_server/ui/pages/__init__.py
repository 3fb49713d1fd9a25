"""One module for each page; ``ui/app.py`` says what it exports."""
