"""Make the block of a sample from memory, from files, or from files on many machines.

With a Dask client each worker counts some files and returns counts only. All three ways run the
same ``count_forms`` and add whole numbers, so their blocks are equal to the last bit (rules V8
and V9).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from sipas_analysis.infer.calibration import find_credit
from sipas_analysis.infer.design import Design, check_columns
from sipas_analysis.infer.exact_sums import WeightRounding
from sipas_analysis.infer.form_files import (
    FormFile,
    check_kinds,
    drop_paths,
    list_files,
    map_files,
    open_files,
)
from sipas_analysis.infer.replicates import add_replicates
from sipas_analysis.infer.sample_facts import read_facts
from sipas_analysis.infer.sql_sums import count_in_sql
from sipas_analysis.infer.totals import (
    Block,
    Columns,
    Sums,
    add_sums,
    convert_sums,
    count_forms,
    drop_keys,
)
from sipas_analysis.progress import show_progress

SUMS_HELD = 8  # sums of so many pieces are added together, to limit the use of memory


def build_block(
    design: Design, by: Sequence[str], columns: Columns, scale: WeightRounding | None = None
) -> Block:
    """Reduce forms to totals by domain, in memory, from files or on workers.

    Args:
        design: The sample.
        by: Key columns; none makes one domain of all forms. A form with a blank key belongs to no
            domain but still counts in the sample.
        columns: Columns to total.
        scale: Rounding of the weights, if already known.

    Returns:
        The block; no domain if there is no form.

    Raises:
        DesignError: The sample contradicts its declaration.

    Source: rules V1, V8 and V9 in docs/method.md.

    Example:
        >>> import numpy as np, pandas as pd
        >>> frame = pd.DataFrame({"unit": ["a", "b", "a"], "s": [1.0, 1.0, 0.0]})
        >>> satisfied = Columns(("s",), lambda forms: [forms["s"]], np.ones(1), [True])
        >>> build_block(Design(frame), ["unit"], satisfied).total.ravel().tolist()
        [1.0, 1.0]
    """
    scale = scale or read_facts(design).scale
    if design.on_files:
        paths = list_files(design)
        check_kinds(design, paths, by)
        job = partial(
            _count_pieces, design=drop_paths(design), by=tuple(by), columns=columns, scale=scale
        )
        if design.workers is None:
            parts = _count_here(paths, job, scale.n)
        else:
            parts = map_files(design, partial(_count_file, count_pieces=job), paths)
        return convert_sums(_add_as_read(parts), design, by, columns, scale)
    check_columns(by, design.frame.columns)
    return _finish_block(
        count_forms(design.frame, design, by, columns, scale), design, by, columns, scale
    )


def build_blocks(design: Design, domains: Sequence[Sequence[str]], columns: Columns) -> list[Block]:
    """Reduce forms to totals by several lists of keys, counting them once where that is enough.

    Totals by the first keys are added to those of any of these keys, unless a form has a blank key:
    a form without a unit may still have a group. Whole numbers give the same bits either way.

    Args:
        design: The sample.
        domains: Lists of key columns, the longest first; see ``build_block``.
        columns: Columns to total.

    Returns:
        One block for each list of keys.

    Raises:
        DesignError: The sample contradicts its declaration.

    Example:
        >>> import numpy as np, pandas as pd
        >>> frame = pd.DataFrame({"unit": ["a", "b", "a"], "s": [1.0, 1.0, 0.0]})
        >>> satisfied = Columns(("s",), lambda forms: [forms["s"]], np.ones(1), [True])
        >>> blocks = build_blocks(Design(frame), [["unit"], []], satisfied)
        >>> [block.total.ravel().tolist() for block in blocks]
        [[1.0, 1.0], [2.0]]
    """
    first, scale = [*domains[0]], read_facts(design).scale
    is_whole = not design.on_files and design.domain is None
    if not is_whole or not all(set(by) <= set(first) for by in domains):
        return [build_block(design, by, columns, scale) for by in domains]
    check_columns(first, design.frame.columns)
    sums = count_forms(design.frame, design, first, columns, scale)
    if sums.table.isna().any(axis=None):
        return [build_block(design, by, columns, scale) for by in domains]
    return [
        _finish_block(
            sums if [*by] == first else drop_keys(sums, first, by), design, by, columns, scale
        )
        for by in domains
    ]


def _finish_block(
    sums: Sums, design: Design, by: Sequence[str], columns: Columns, scale: WeightRounding
) -> Block:
    """Return the block of forms in memory, with what calibration and replicates need."""
    totals = convert_sums(sums, design, by, columns, scale)
    if design.calibration is not None and len(columns.names) > columns.n_fixed:
        totals = replace(totals, credit=find_credit(totals, design, by, columns))
    return add_replicates(totals, design, by, columns) if design.declared_replicates else totals


def _add_as_read(parts: Iterable[Sums]) -> Sums:
    """Add sums as they arrive, a few at a time, to limit the use of memory."""
    waiting: list[Sums] = []
    for part in parts:
        waiting.append(part)
        if len(waiting) >= SUMS_HELD:
            waiting = [add_sums(waiting)]
    return add_sums(waiting)


def _count_here(
    paths: Sequence[str], count_pieces: Callable[[FormFile], Iterator[Sums]], n: int
) -> Iterator[Sums]:
    """Count the forms of files here, piece by piece, and show progress by form."""
    with show_progress(n) as advance:
        for file in open_files(paths):
            for sums in count_pieces(file):
                yield sums
                advance(int(sums.people[:, -1].sum()))


def _count_file(file: FormFile, count_pieces: Callable[[FormFile], Iterator[Sums]]) -> Sums:
    """Count the forms of one file."""
    return _add_as_read(count_pieces(file))


def _count_pieces(
    file: FormFile, design: Design, by: Sequence[str], columns: Columns, scale: WeightRounding
) -> Iterator[Sums]:
    """Count the forms of a file by SQL, or of each of its pieces; only columns in need are read."""
    sums = count_in_sql(file, design, by, columns, scale)
    if sums is not None:
        yield sums
        return
    weights = [design.weights] if design.weights else []
    for piece in file.read_pieces([*by, *design.cell_columns, *weights, *columns.reads]):
        yield count_forms(piece, design, by, columns, scale)
