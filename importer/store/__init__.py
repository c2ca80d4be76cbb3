"""The store: everything that outlives a run, behind one interface (`base`)."""

from importer.store.open import has_store, history, note_run, open_store

__all__ = ["has_store", "history", "note_run", "open_store"]
