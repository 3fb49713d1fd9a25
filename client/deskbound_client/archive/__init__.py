"""Everything about one person in one portable file, and back: ``deskbound export`` and ``import``.

    export   writing.py    days, consents, ledger, budget, settings; signed by the device
    import   importing.py  the days of such a file, all or nothing each
             foreign.py    days from other programs: ActivityWatch, research sets

``docs/archive-format.md`` describes the file; ``rows.py`` is its lines, ``manifest.py`` its
contents and signature, ``age.py`` its encryption. A file that comes in is taken for hostile until
every byte of it was checked.
"""

from deskbound_client.archive.importing import DayOutcome, ImportReceipt, import_archive
from deskbound_client.archive.writing import ExportReceipt, export_vault

__all__ = ["DayOutcome", "ExportReceipt", "ImportReceipt", "export_vault", "import_archive"]
