"""The runs of a store as a long table reads them: an order, a window of it, the cells of some columns, and whether anything is new."""
