"""The files of `path` parameters that are elsewhere: fetched once, kept whole, looked at before they are used again."""
