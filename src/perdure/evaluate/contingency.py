"""The heaviest one-to-one matching of two label sets, given what they share: the core of every IDF1."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from perdure.types import Float64s, Ints

DENSE = 1_000_000
"""A block of at most so many cells is solved as a plain table, a larger one as a sparse one."""


def heaviest_matching(rows: Ints, columns: Ints, weights: Float64s) -> float:
    """The greatest total weight of a matching in which every row and every column is used at most once, exact.

    Args:
        rows: (N,) labels >= 0, not necessarily distinct.
        columns: (N,) labels >= 0.
        weights: (N,) > 0; weights of the same row and column are added up.
    """
    if not len(rows):
        return 0.0
    table = csr_array(coo_array((weights, (rows, columns))))
    table.sum_duplicates()
    cells = table.tocoo()
    row, column, weight = cells.row.astype(np.int64), cells.col.astype(np.int64), cells.data
    first = np.bincount(row)[row] == 1
    second = np.bincount(column)[column] == 1
    simple = first & second
    total = float(weight[simple].sum())
    row, column, weight = row[~simple], column[~simple], weight[~simple]
    if not len(row):
        return total
    return total + _by_block(row, column, weight)


def _by_block(row: Ints, column: Ints, weight: Float64s) -> float:
    """The matching of every connected block on its own."""
    size = int(row.max()) + 1
    count = size + int(column.max()) + 1
    graph = coo_array((np.ones(len(row)), (row, size + column)), shape=(count, count))
    block = connected_components(graph, directed=False)[1][row]
    order = np.argsort(block, kind="stable")
    bounds = np.flatnonzero(np.diff(block[order])) + 1
    total = 0.0
    for members in np.split(order, bounds):
        rows, r = np.unique(row[members], return_inverse=True)
        columns, c = np.unique(column[members], return_inverse=True)
        if len(rows) == 1 or len(columns) == 1:
            total += float(weight[members].max())
        elif len(rows) * len(columns) <= DENSE:
            table = np.zeros((len(rows), len(columns)))
            table[r, c] = weight[members]
            total += float(table[linear_sum_assignment(table, maximize=True)].sum())
        else:
            total += _sparse(r, c, weight[members], len(rows), len(columns))
    return total


def _sparse(row: Ints, column: Ints, weight: Float64s, rows: int, columns: int) -> float:
    """One large block. Every row may stay alone by an extra column of its own; +1 keeps weights from being 0."""
    own = np.arange(rows)
    table = csr_array(
        coo_array(
            (
                np.concatenate([weight + 1, np.ones(rows)]),
                (np.concatenate([row, own]), np.concatenate([column, columns + own])),
            ),
            shape=(rows, columns + rows),
        )
    )
    chosen = min_weight_full_bipartite_matching(table, maximize=True)
    return float(table[chosen].sum()) - rows
