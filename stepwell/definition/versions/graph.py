"""The graph of commits: what follows from what, and where two lines meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.model.versions import Link


def ancestors(links: Mapping[str, Link], commit: str) -> set[str]:
    """The commit, and all that it follows from."""
    found: set[str] = set()
    left = [commit]
    while left:
        at = left.pop()
        if at in links and at not in found:
            found.add(at)
            left += [parent for parent in (links[at].parent, links[at].merge_parent) if parent is not None]
    return found


def common_ancestor(links: Sequence[Link], one: str, other: str) -> str | None:
    """The newest commit that both follow from (or are); None: there is none.

    No other such commit follows from it, because parents have smaller numbers."""
    by_id = {link.id: link for link in links}
    shared = ancestors(by_id, one) & ancestors(by_id, other)
    return max(shared, key=lambda commit: by_id[commit].number, default=None)
