"""For scripts that are pasted into a notebook."""

from __future__ import annotations


def enable_asyncio_run() -> None:
    """Let ``asyncio.run(main())`` work in a cell, as it does in a script.

    A notebook's kernel runs an event loop already, and asyncio does not nest: the right way is
    ``await main()`` at the top level of a cell. For a script that ends in ``asyncio.run(main())``
    this patches asyncio with nest-asyncio, which has its price:

    - it patches every thread of this kernel, and cannot be undone but by a restart;
    - nested calls finish in the order last in, first out: an outer one waits for the inner;
    - nest-asyncio is archived: nobody mends it for coming versions of Python.

    Nothing else in rtlab needs it. A running lab goes on beside it.
    """
    import nest_asyncio

    nest_asyncio.apply()
