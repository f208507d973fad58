"""The page's icons: strokes on a 24 by 24 grid, drawn for this page, in the colour of the text around them."""

from nicegui import ui

STROKES = {
    "chat": (
        '<path d="M4.5 5.5h15a1.5 1.5 0 0 1 1.5 1.5v8.5a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 3.5V17h-2A1.5 1.5 '
        '0 0 1 3 15.5V7a1.5 1.5 0 0 1 1.5-1.5z"/>'
    ),
    "memories": (
        '<path d="M12 6.5C10 5 7 4.5 3.5 4.75v13C7 17.5 10 18 12 19.5c2-1.5 5-2 8.5-1.75v-13C17 4.5 14 5 '
        '12 6.5zM12 6.5v13"/>'
    ),
    "nights": '<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z"/><path d="M16 3.5v3M14.5 5h3"/>',
    "inbox": '<path d="M3.5 13.5 6 5.5h12l2.5 8v5h-17zM3.5 13.5h5l1.25 2.5h4.5l1.25-2.5h5"/>',
    "privacy": (
        '<path d="M12 3.5 5 6v5.5c0 4.25 2.75 7.5 7 9 4.25-1.5 7-4.75 7-9V6z"/><path d="m9 12 2.25 '
        '2.25L15.5 10"/>'
    ),
    "sun": (
        '<circle cx="12" cy="12" r="4"/><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 '
        '1M17.4 17.4l1 1M5.6 18.4l1-1M17.4 6.6l1-1"/>'
    ),
    "moon": '<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z"/>',
    "send": '<path d="M12 19V5.5M6 11l6-6 6 6"/>',
    "stop": '<rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor"/>',
    "retry": '<path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15"/>',
    "edit": '<path d="M14.5 6.5 17.5 9.5 8.5 18.5 4.5 19.5 5.5 15.5zM12.75 8.25 16 5l3 3-3.25 3.25"/>',
    "copy": (
        '<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M15.5 8.5V6.5a2 2 0 0 0-2-2h-7a2 '
        '2 0 0 0-2 2v7a2 2 0 0 0 2 2h2"/>'
    ),
    "why": (
        '<circle cx="12" cy="12" r="8.5"/><path d="M9.5 9.75a2.5 2.5 0 1 1 3.75 2.15c-.9.55-1.25 1-1.25 '
        '1.85M12 16.75v.01"/>'
    ),
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "undo": '<path d="M8.5 5 4.5 9l4 4M4.5 9h9a5.5 5.5 0 0 1 0 11H8"/>',
    "forget": '<path d="M4.5 6.5h15M9.5 6V4.5h5V6M6.5 6.5l1 13h9l1-13M10 10.5v5.5M14 10.5v5.5"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "close": '<path d="M6 6l12 12M18 6 6 18"/>',
    "more": '<path d="M6 12h.01M12 12h.01M18 12h.01"/>',
    "back": '<path d="M14.5 6 8.5 12l6 6"/>',
    "next": '<path d="m9.5 6 6 6-6 6"/>',
    "down": '<path d="m6 9.5 6 6 6-6"/>',
    "warn": '<path d="M12 4.5 21 19.5H3zM12 10v4.5M12 17v.01"/>',
    "veil": (
        '<path d="M4 4l16 16M9.9 5.75A9.7 9.7 0 0 1 12 5.5c4.5 0 7.5 3 9 6.5a12 12 0 0 1-2.6 3.7M6.5 '
        '7.25A12 12 0 0 0 3 12c1.5 3.5 4.5 6.5 9 6.5a9 9 0 0 0 4.5-1.2M10 10a2.8 2.8 0 0 0 4 4"/>'
    ),
    "history": '<path d="M4.5 12a7.5 7.5 0 1 1 2.2 5.3L4.5 15M4.5 19.5V15H9M12 8v4.25l3 1.75"/>',
    "file": '<path d="M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4"/>',
    "disk": (
        '<ellipse cx="12" cy="6.5" rx="7.5" ry="3"/><path d="M4.5 6.5v11c0 1.65 3.35 3 7.5 3s7.5-1.35 '
        '7.5-3v-11M4.5 12c0 1.65 3.35 3 7.5 3s7.5-1.35 7.5-3"/>'
    ),
    "key": '<circle cx="8" cy="15.5" r="4"/><path d="m11 12.5 8.5-8.5M16.5 7l2.5 2.5M13.75 9.75l2 2"/>',
    "spark": '<path d="M12 4c.6 4.8 3.2 7.4 8 8-4.8.6-7.4 3.2-8 8-.6-4.8-3.2-7.4-8-8 4.8-.6 7.4-3.2 8-8z"/>',
    "out": '<path d="M10 4.5H5.5v15H10M14.5 8l4 4-4 4M18.5 12H9.5"/>',
}
WING = (
    '<path d="M3 18C4.5 9 11.25 3.75 21 3.75c0 3.75-2.25 6.75-6 8.25"/><path d="M15 12c2.25 0 3 0 '
    '3.75-.4C18 15 15 16.9 11.25 16.9"/><path d="M11.25 16.9h3C12.4 19.5 8.25 20.6 3 18"/>'
)


def icon(name: str, *, classes: str = "") -> ui.html:
    """An icon that only decorates; the words beside it, or its button's label, say what it means."""
    return ui.html(svg(name), sanitize=False, tag="span").classes(f"icon {classes}").props("aria-hidden=true")


def svg(name: str) -> str:
    """The picture itself."""
    strokes = WING if name == "wing" else STROKES[name]
    return (
        '<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="1.6" '
        f'stroke-linecap="round" stroke-linejoin="round" focusable="false" aria-hidden="true">{strokes}</svg>'
    )
